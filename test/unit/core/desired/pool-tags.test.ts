import { describe, expect, it } from 'vitest';
import { newDesiredMemo } from '../../../../src/core/desired/build-desired.ts';
import type { Spec } from '../../../../src/core/model/objects.ts';
import { createPlanMemos } from '../../../../src/core/plan/memos.ts';
import { traefikName } from '../../../../src/core/tags/traefik-names.ts';
import { complete, deployment, endpoints, keys, service, spec, specSet, world } from '../../../support/builders.ts';
import { planWorld, settle } from '../../../support/model-world.ts';

const shop = spec(
  'shop.json',
  deployment('shop'),
  service('shop', {
    annotations: {
      'traefik.enable': 'true',
      'traefik.frontend.rule': 'Host:shop.example.com',
      'traefik.frontend.errors.all.status': '500-599',
      'traefik.frontend.errors.all.backend': 'sorry',
    },
  }),
);
const pages = (namespace: string): Spec =>
  spec(
    'pages.json',
    service('sorry', { namespace, annotations: { 'traefik.enable': 'true', 'traefik.frontend.rule': 'Host:sorry.example.com' } }),
  );
const POOL = keys.pool('shop');

describe('the Traefik service of error pages', () => {
  const of = (...specs: readonly Spec[]) => world({ specs: complete(specSet(specs)), endpoints: [endpoints('default/shop')] });
  const pageOf = (tags: readonly string[] = []): string | undefined =>
    tags.find((tag) => tag.includes('.errors.service='))?.replace(/^.*=/, '');

  it('is that of the Service of this name, in whatever namespace its spec puts it', () => {
    const { context } = planWorld(settle(of(shop, pages('errors'))).world);
    const view = context.views.get(POOL);
    expect(pageOf(view?.tags)).toBe(traefikName('errors', 'sorry'));
    expect(view?.problems).toEqual([]);
  });

  it('is supposed to be in the same namespace where no spec has one, and that is told', () => {
    const { context } = planWorld(settle(of(shop)).world);
    const view = context.views.get(POOL);
    expect(pageOf(view?.tags)).toBe(traefikName('default', 'sorry'));
    expect(view?.problems.map(({ severity }) => severity)).toEqual(['warning']);
  });

  it('follows when the Service moves to another namespace', () => {
    const memos = { plans: createPlanMemos(), desired: newDesiredMemo() };
    const before = settle(of(shop, pages('errors'))).world;
    planWorld(before, { memos });
    const after = { ...before, specs: complete(specSet([shop, pages('other')])) };
    expect(pageOf(planWorld(after, { memos }).context.views.get(POOL)?.tags)).toBe(traefikName('other', 'sorry'));
  });
});
