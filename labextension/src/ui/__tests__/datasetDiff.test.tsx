import { render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it } from 'vitest';
import { aDiff, aDrift } from '../../api/__tests__/registryFakes';
import { DatasetDiffView } from '../datasetDiff';
import { range } from '../histogram';

describe('DatasetDiffView', () => {
  it('shows values that changed in as many digits as it takes', () => {
    const rows = {
      keys: ['id'],
      added: 0,
      removed: 0,
      changed: 1,
      unchanged: 0,
      changed_columns: { v: 1, w: 1 },
      examples: [
        {
          kind: 'changed',
          key: { id: 1 },
          before: { v: 0.1 + 0.2, w: 1.5 },
          after: { v: 0.3, w: 2 }
        }
      ]
    };
    render(<DatasetDiffView diff={aDiff({ rows })} />);
    expect(screen.getByText('v: 0.30000000000000004 → 0.3, w: 1.5 → 2')).toBeTruthy();
  });

  it('shows a column that was not compared without numbers, and why', () => {
    const drift = aDrift('u', { verdict: 'not compared', psi: null, ks: null, ks_p: null });
    render(
      <DatasetDiffView diff={aDiff({ drift: [drift], notes: ['u was not compared: why'] })} />
    );
    expect(screen.getByRole('row', { name: /^u/ }).textContent).toContain('not compared');
    expect(screen.getByText('u was not compared: why')).toBeTruthy();
  });
});

describe('range', () => {
  it('names a bin of one number by that number', () => {
    expect(range([0, 0, 2, 'Infinity', 'Infinity'], 0)).toBe('0');
    expect(range([0, 0, 2, 'Infinity', 'Infinity'], 1)).toBe('0 to 2');
    expect(range([0, 0, 2, 'Infinity', 'Infinity'], 3)).toBe('∞');
  });
});
