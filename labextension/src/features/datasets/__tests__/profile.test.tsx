import { render, screen } from '@testing-library/react';
import React from 'react';
import { describe, expect, it, vi } from 'vitest';
import { aColumn, aProfile } from '../../../api/__tests__/registryFakes';
import { Part } from '../../../api/part';
import { Profile } from '../../../api/types';
import { ProfileSection } from '../ProfileSection';

describe('ProfileSection', () => {
  it('says how many values are infinite beside the mean of the others', async () => {
    const columns = [aColumn('x', { mean: 2, max: 'Infinity', infinite: 1200 }), aColumn('y')];
    const profile = new Part<Profile>(vi.fn());
    await profile.read(async () => aProfile({ columns }));
    render(<ProfileSection version={1} profile={profile} />);
    expect(screen.getByText('(1,200 infinite)')).toBeTruthy();
    expect(screen.getAllByText(/infinite/)).toHaveLength(1);
  });
});
