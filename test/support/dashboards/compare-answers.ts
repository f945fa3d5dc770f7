import type { Sample } from '../prometheus-server.ts';
import type { Expected, Wanted } from './panel-row.ts';

const ownLabels = ({ labels: { __name__: _name, job: _job, instance: _instance, ...labels } }: Pick<Sample, 'labels'>): string =>
  JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));

/** In words what is wrong with an answer; empty when it is as expected. */
export function differences(answer: readonly Sample[], wanted: Wanted): readonly string[] {
  if ('among' in wanted) {
    return wanted.among.flatMap((one) => {
      const fitting = answer.filter(({ labels }) => Object.entries(one.labels).every(([label, value]) => labels[label] === value));
      return differs(
        one,
        fitting.reduce((total, { value }) => total + value, 0),
      );
    });
  }
  const found = new Map(answer.map((sample) => [ownLabels(sample), sample.value]));
  const expected = new Map(wanted.map((one) => [ownLabels(one), one]));
  return [
    ...[...found].flatMap(([labels, value]) => (expected.has(labels) ? [] : [`${labels} is ${value} and should not be there`])),
    ...[...expected].flatMap(([labels, one]) => differs(one, found.get(labels))),
  ];
}

function differs({ labels, from, to }: Expected, found: number | undefined): readonly string[] {
  if (found !== undefined && found >= from && found <= to) return [];
  return [`${JSON.stringify(labels)} is ${found} and should be ${from === to ? from : `from ${from} to ${to}`}`];
}
