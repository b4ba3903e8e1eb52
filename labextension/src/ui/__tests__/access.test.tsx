import { act, fireEvent, render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aJob } from '../../api/__tests__/fakes';
import { accessOf, registryThat } from '../../api/__tests__/registryFakes';
import { AccessModel } from '../../api/access';
import { JobRow } from '../../features/jobs/JobList';
import { AccessContext } from '../access';

const REFUSED = 'vera may not: this needs the role contributor, yours is viewer.';

function aRow(access: AccessModel | null) {
  const onCancel = vi.fn();
  render(
    <AccessContext.Provider value={access}>
      <JobRow job={aJob()} now={1100} onCancel={onCancel} />
    </AccessContext.Provider>
  );
  return { onCancel, button: screen.getByLabelText<HTMLButtonElement>('Cancel job train') };
}

describe('a button that changes something', () => {
  it('says to a viewer why it does nothing', async () => {
    const { button, onCancel } = aRow(await accessOf('viewer', 'vera'));
    expect([button.disabled, button.title]).toEqual([true, REFUSED]);
    fireEvent.click(button);
    expect(onCancel).not.toHaveBeenCalled();
  });

  it.each(['contributor', 'admin'] as const)('is for a user with the role %s', async role => {
    const { button, onCancel } = aRow(await accessOf(role));
    fireEvent.click(button);
    expect(onCancel).toHaveBeenCalledOnce();
  });

  it('is left to the server where nobody knows the role', () => {
    expect(aRow(null).button.disabled).toBe(false);
  });

  it('hears of the role when that comes later', async () => {
    const access = new AccessModel(
      registryThat({ access: async () => ({ user: 'vera', role: 'viewer' }) })
    );
    const { button } = aRow(access);
    expect(button.disabled).toBe(false);
    await act(() => access.refresh());
    expect(button.title).toBe(REFUSED);
  });
});
