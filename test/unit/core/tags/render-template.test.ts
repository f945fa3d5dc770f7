import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTemplate, withoutActions } from '../../../../src/core/tags/render-template.ts';

const DATA = { serviceName: 'web', domain: 'example.com', attributes: ['traefik.enable=true', 'Env=prod', 'blue'] };

describe('renderTemplate', () => {
  it.each([
    ['Host:a', 'Host:a'],
    ['Host:{{.ServiceName}}.{{ .Domain }}', 'Host:web.example.com'],
    ['{{getTag "env" .Attributes "test"}}', 'prod'],
    ['{{getTag "none" .Attributes "te\\"st"}}', 'te"st'],
    ['{{getTag `blue` .Attributes ``}}', 'blue'],
    ['{{getAttribute "enable" .Attributes "no"}}', 'true'],
    ['{{hasTag "blue" .Attributes}}', 'true'],
    ['a{{if hasTag "blue" .Attributes}}1{{else}}2{{end}}b', 'a1b'],
    ['a{{if hasTag "red" .Attributes}}1{{else}}2{{end}}b', 'a2b'],
    ['{{if (hasTag "red" .Attributes)}}{{.Nonsense}}{{end}}x', 'x'],
    ['{{if hasTag "red" .Attributes}}{{if .Domain}}1{{else}}2{{end}}{{else}}3{{end}}', '3'],
    ['a {{- "b" -}} c', 'abc'],
    ['a{{/* said } here */}}b', 'ab'],
    ['{{"}}"}}', '}}'],
  ])('%s → %s', (template, text) => {
    expect(renderTemplate(template, DATA)).toEqual({ kind: 'text', text });
  });

  it.each([
    ['{{.ServiceName', 'braces'],
    ['{{range .Attributes}}{{.}}{{end}}', 'not understood'],
    ['{{.ServiceName | printf "%s"}}', 'not understood'],
    ['{{getTag "a" .Attributes}}', 'not understood'],
    ['{{if .Domain}}a', 'lacks {{end}}'],
    ['a{{end}}', 'without {{if}}'],
    ['{{if .Domain}}{{else}}{{else}}{{end}}', 'without {{if}}'],
  ])('%s fails', (template, reason) => {
    expect(renderTemplate(template, DATA)).toEqual({ kind: 'failed', reason: expect.stringContaining(reason) });
  });

  it('fails when the domain is not known', () => {
    const rendered = renderTemplate('Host:{{.Domain}}', { ...DATA, domain: undefined });
    expect(rendered).toEqual({ kind: 'failed', reason: expect.stringContaining('traefik.domain') });
  });

  it('keeps text without actions as it is', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('{{')),
        (text) => {
          expect(renderTemplate(text, DATA)).toEqual({ kind: 'text', text });
          expect(withoutActions(text)).toBe(text);
        },
      ),
    );
  });
});
