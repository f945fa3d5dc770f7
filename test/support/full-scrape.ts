import { createMetrics, type Metrics } from '../../src/telemetry/create-metrics.ts';
import { fullReport } from './full-report.ts';

/** A scrape after something of everything has happened. */
export async function fullScrape(metrics: Metrics = createMetrics()): Promise<string> {
  metrics.observe(fullReport());
  metrics.countRequest({ leg: 'consul', method: 'PUT', code: '200' });
  metrics.countRunError();
  metrics.countSpans({ result: 'sent', count: 1 });
  metrics.countNotification('slack', 'sent');
  return metrics.text();
}
