import * as common from '@grafana/grafana-foundation-sdk/common';
import {
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as GraphBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** One query of a panel; `legend` in Grafana's notation, in a table the title of the column with the values. */
export interface Query {
  readonly expr: string;
  readonly legend: string;
}

/** What a panel shows, however it is drawn. Widths count of 24. */
export interface PanelText {
  readonly title: string;
  readonly description: string;
  readonly width: number;
  /** Grafana's name of the unit: `s`, `short`, … */
  readonly unit?: string;
  readonly queries: readonly Query[];
}

type Panel = StatBuilder | TableBuilder | GraphBuilder;

/** A row of a dashboard with its panels. */
export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

const SOURCE = { type: 'prometheus', uid: '$datasource' } as const;
const HEIGHT = { stat: 4, wide: 8 } as const;

const targetsOf = (queries: readonly Query[], format: 'range' | 'instant' | 'table'): DataqueryBuilder[] =>
  queries.map(({ expr, legend }, index) => {
    const target = new DataqueryBuilder()
      .refId(String.fromCharCode(65 + index))
      .expr(expr)
      .legendFormat(legend)
      .datasource(SOURCE);
    if (format === 'range') return target.range();
    return format === 'table' ? target.instant().format(PromQueryFormat.Table) : target.instant();
  });

/** One number, or one name, as it is now. */
export function stat({ title, description, width, unit = 'short', queries }: PanelText, show: 'value' | 'name' = 'value'): Panel {
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .height(HEIGHT.stat)
    .span(width)
    .unit(unit)
    .noValue('–')
    .graphMode(common.BigValueGraphMode.None)
    .textMode(show === 'name' ? common.BigValueTextMode.Name : common.BigValueTextMode.Value)
    .targets(targetsOf(queries, 'instant'));
}

/** Lines through time. */
export function graph({ title, description, width, unit = 'short', queries }: PanelText): Panel {
  return new GraphBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .height(HEIGHT.wide)
    .span(width)
    .unit(unit)
    .min(0)
    .fillOpacity(10)
    .lineInterpolation(common.LineInterpolation.StepAfter)
    .targets(targetsOf(queries, 'range'));
}

/** A row for each set of labels, as it is now; with several queries a column for each. */
export function table({ title, description, width, unit = 'short', queries }: PanelText): Panel {
  const letters = queries.map((_, index) => String.fromCharCode(65 + index));
  const columns = queries.map(({ legend }, index) => [queries.length === 1 ? 'Value' : `Value #${letters[index]}`, legend]);
  return new TableBuilder()
    .title(title)
    .description(description)
    .datasource(SOURCE)
    .height(HEIGHT.wide)
    .span(width)
    .unit(unit)
    .noValue('none')
    .targets(targetsOf(queries, 'table'))
    .withTransformation({ id: 'merge', options: {} })
    .withTransformation({ id: 'organize', options: { excludeByName: { Time: true }, renameByName: Object.fromEntries(columns) } });
}

/** A variable whose values are those of a label. */
export const labelVariable = (name: string, metric: string, label = name): QueryVariableBuilder =>
  new QueryVariableBuilder(name)
    .label(name)
    .datasource(SOURCE)
    .query({ query: `label_values(${metric}, ${label})`, refId: 'A' })
    .definition(`label_values(${metric}, ${label})`)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc);

/** A dashboard with the variables `datasource` and `job`, and those that follow. */
export function dashboard(
  { uid, title, description }: { readonly uid: string; readonly title: string; readonly description: string },
  rows: readonly Row[],
  variables: readonly QueryVariableBuilder[] = [],
): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['poolkeeper'])
    .readonly()
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .link(new DashboardLinkBuilder('poolkeeper').type(DashboardLinkType.Dashboards).tags(['poolkeeper']).keepTime(true).includeVars(true))
    .withVariable(new DatasourceVariableBuilder('datasource').label('datasource').type('prometheus'))
    .withVariable(labelVariable('job', 'poolkeeper_leader'));
  for (const variable of variables) builder.withVariable(variable);
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panel);
  }
  return builder.build();
}
