import React from 'react';
import { Part } from '../../api/part';
import {
  ColumnProfile,
  FileSummary,
  ImageSummary,
  Profile,
  TextSummary,
  ValueCount
} from '../../api/types';
import {
  counted,
  formatBriefly,
  formatBytes,
  formatDuration,
  formatNumber,
  formatTime
} from '../../ui/format';
import { Histogram } from '../../ui/histogram';
import { Facts, Section } from '../../ui/page';
import { Counts, formatShare, NameList, ShareBar } from '../../ui/shares';
import { ErrorBox, Loading } from '../../ui/states';

const COLUMNS = ['column', 'values', 'nulls', 'distinct', 'min', 'mean', 'max'];
/** Of a wide table, so many columns at first. */
const MOST_COLUMNS = 40;

/** What a version's content was found to be. */
export function ProfileSection(props: { version: number; profile: Part<Profile> }): JSX.Element {
  const { version, profile } = props;
  return (
    <Section title={`Profile of version ${version}`}>
      {profile.error && <ErrorBox error={profile.error} retry={() => void profile.refresh()} />}
      {profile.data ? <Content profile={profile.data} /> : !profile.error && <Loading />}
    </Section>
  );
}

function Content(props: { profile: Profile }): JSX.Element {
  const { profile } = props;
  if (profile.status === 'pending') {
    return (
      <div className="jp-mlops-Loading" role="status">
        The content is being looked into…
      </div>
    );
  }
  if (profile.status === 'failed') {
    return (
      <div className="jp-mlops-Notice" role="alert">
        The content could not be looked into: {profile.problem}
      </div>
    );
  }
  return (
    <>
      {profile.problem && <p className="jp-mlops-Hint">{profile.problem}</p>}
      {profile.columns.length > 0 && <Columns profile={profile} />}
      {profile.images && <Images images={profile.images} />}
      {profile.texts && <Texts texts={profile.texts} />}
      {profile.files && <Files files={profile.files} />}
      <p className="jp-mlops-Hint">
        <Facts items={howFound(profile)} />
      </p>
    </>
  );
}

function howFound(profile: Profile): React.ReactNode[] {
  const { sampled_rows: sampled, computed_at: at } = profile;
  return [
    profile.rows !== null && counted(profile.rows, 'row'),
    sampled !== null && `of which ${sampled.toLocaleString('en')} were looked at`,
    profile.engine && `by ${profile.engine}`,
    profile.duration_s !== null && `in ${formatDuration(profile.duration_s)}`,
    at !== null && formatTime(at)
  ];
}

function Columns(props: { profile: Profile }): JSX.Element {
  const { columns, rows, sampled_rows: sampled } = props.profile;
  const [all, setAll] = React.useState(false);
  const looked = sampled ?? rows ?? 0;
  const shown = all ? columns : columns.slice(0, MOST_COLUMNS);
  return (
    <div className="jp-mlops-Scroll">
      <table className="jp-mlops-Table jp-mlops-Profile" aria-label="Profile of the columns">
        <thead>
          <tr>
            {COLUMNS.map(title => (
              <th key={title} scope="col">
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map(column => (
            <ColumnRows key={column.name} column={column} rows={looked} />
          ))}
        </tbody>
      </table>
      {shown.length < columns.length && (
        <button className="jp-mlops-Link" onClick={() => setAll(true)}>
          Show {columns.length - shown.length} more columns
        </button>
      )}
    </div>
  );
}

/** A column's row, and below it what else is known, when unfolded. */
function ColumnRows(props: { column: ColumnProfile; rows: number }): JSX.Element {
  const { column, rows } = props;
  const [open, setOpen] = React.useState(false);
  const id = React.useId();
  const share = rows > 0 ? column.nulls / rows : 0;
  const estimated = (what: string) => column.approximate.includes(what);
  return (
    <>
      <tr>
        <th scope="row">
          <button
            className="jp-mlops-Unfold"
            aria-expanded={open}
            aria-controls={id}
            title="Quantiles, lengths and most frequent values"
            onClick={() => setOpen(!open)}
          >
            <code>{column.name}</code>
          </button>
          <span className="jp-mlops-Type">{column.type}</span>
        </th>
        <td>
          <Values column={column} />
        </td>
        <td title={`${column.nulls.toLocaleString('en')} of ${rows.toLocaleString('en')}`}>
          {column.nulls === 0 ? <span className="jp-mlops-Nothing">0</span> : formatShare(share)}
          {column.nulls > 0 && <ShareBar share={share} warn={share > 0.5} />}
        </td>
        <td title={estimated('distinct') ? 'An estimate' : undefined}>
          {column.distinct === null
            ? '–'
            : `${estimated('distinct') ? '≈ ' : ''}${column.distinct.toLocaleString('en')}`}
        </td>
        <td>{extreme(column.min)}</td>
        <td>
          {formatNumber(column.mean, 4)}
          {column.infinite > 0 && (
            <span className="jp-mlops-Unbroken">
              {' '}
              ({column.infinite.toLocaleString('en')} infinite)
            </span>
          )}
        </td>
        <td>{extreme(column.max)}</td>
      </tr>
      <tr id={id} hidden={!open} className="jp-mlops-More">
        <td colSpan={COLUMNS.length}>{open && <More column={column} />}</td>
      </tr>
    </>
  );
}

function extreme(value: unknown): React.ReactNode {
  if (value === null || value === undefined) {
    return '–';
  }
  const text = formatBriefly(value);
  const day = text.match(/^(\d{4}-\d{2}-\d{2})T/);
  const short = day ? day[1] : text.length > 14 ? `${text.slice(0, 12)}…` : text;
  return short === text ? text : <span title={text}>{short}</span>;
}

/** The histogram, or the most frequent values in words. */
function Values(props: { column: ColumnProfile }): JSX.Element | null {
  const { name, histogram, top } = props.column;
  if (histogram && histogram.counts.length > 0) {
    return <Histogram name={name} {...histogram} times={props.column.kind === 'time'} />;
  }
  const words = top.map(each => `${each.value || '(empty)'} (${each.count})`).join(', ');
  return top.length === 0 ? null : (
    <span className="jp-mlops-Top" title={words}>
      {top
        .slice(0, 3)
        .map(each => each.value || '(empty)')
        .join(', ')}
    </span>
  );
}

function More(props: { column: ColumnProfile }): JSX.Element {
  const { column } = props;
  const quantiles = Object.entries(column.quantiles).sort(([a], [b]) => Number(a) - Number(b));
  const estimated = column.approximate.includes('quantiles') ? '≈ ' : '';
  const facts = [
    column.std !== null && `standard deviation ${formatNumber(column.std, 4)}`,
    column.mean_length !== null &&
      `${column.shortest} to ${column.longest} characters, on average ${formatNumber(column.mean_length, 3)}`
  ];
  return (
    <div className="jp-mlops-More-body">
      <div>
        {facts.some(Boolean) && (
          <p className="jp-mlops-Hint">
            <Facts items={facts} />
          </p>
        )}
        {quantiles.length > 0 && (
          <table className="jp-mlops-Quantiles" aria-label={`Quantiles of ${column.name}`}>
            <tbody>
              <tr>
                {quantiles.map(([share]) => (
                  <th key={share} scope="col">
                    {quantileName(share)}
                  </th>
                ))}
              </tr>
              <tr>
                {quantiles.map(([share, value]) => (
                  <td key={share}>
                    {estimated}
                    {formatNumber(value, 4)}
                  </td>
                ))}
              </tr>
            </tbody>
          </table>
        )}
      </div>
      <Counts title={`Most frequent in ${column.name}`} counts={countsOf(column.top)} most={8} />
    </div>
  );
}

function quantileName(share: string): string {
  return Number(share) === 0.5 ? 'median' : `${Number((100 * Number(share)).toFixed(2))}%`;
}

function countsOf(top: readonly ValueCount[]): Record<string, number> {
  return Object.fromEntries(top.map(each => [each.value, each.count]));
}

function Images(props: { images: ImageSummary }): JSX.Element {
  const { images } = props;
  return (
    <>
      <p className="jp-mlops-Facts">{counted(images.count, 'image')}</p>
      <div className="jp-mlops-CountGrid">
        <Counts title="Classes" counts={images.classes} />
        <Counts title="Sizes" counts={images.sizes} />
        <Counts title="Formats" counts={images.formats} />
        <Counts title="Modes" counts={images.modes} />
      </div>
      <NameList title="Cannot be read" names={images.unreadable} />
    </>
  );
}

function Texts(props: { texts: TextSummary }): JSX.Element {
  const { texts } = props;
  return (
    <>
      <p className="jp-mlops-Facts">
        <Facts
          items={[
            counted(texts.files, 'text file'),
            counted(texts.lines, 'line'),
            counted(texts.words, 'word'),
            counted(texts.characters, 'character')
          ]}
        />
      </p>
      <div className="jp-mlops-CountGrid">
        <Counts title="Most frequent words" counts={countsOf(texts.top_words)} />
        <Counts title="Encodings" counts={texts.encodings} />
      </div>
    </>
  );
}

function Files(props: { files: FileSummary }): JSX.Element {
  const { files } = props;
  return (
    <>
      <p className="jp-mlops-Facts">
        <Facts items={[counted(files.count, 'file'), formatBytes(files.size_bytes)]} />
      </p>
      <div className="jp-mlops-CountGrid">
        <Counts title="Files by ending" counts={files.suffixes} />
        <Counts title="Bytes by ending" counts={files.suffix_bytes} bytes />
        <Counts title="Largest files" counts={files.largest} bytes />
      </div>
    </>
  );
}
