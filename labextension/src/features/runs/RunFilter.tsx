import React from 'react';
import { counted } from '../../ui/format';
import { useModel } from '../../ui/signals';
import { ErrorBox } from '../../ui/states';
import { around, columnIn, complete, EXAMPLES, FIELDS } from './filter';
import { RunsModel } from './model';

const TYPING_PAUSE_MS = 300;
const MOST_ORDERS = 60;

const ORDERS: readonly [string, string][] = [
  ['started desc', 'Newest'],
  ['started asc', 'Oldest'],
  ['duration desc', 'Longest'],
  ['duration asc', 'Shortest'],
  ['name asc', 'Name'],
  ['experiment asc', 'Experiment'],
  ['status asc', 'Status']
];

/** The field in which the filter is typed, with its order, its help and its mistakes. */
export function RunFilter(props: { model: RunsModel }): JSX.Element {
  const { model } = props;
  useModel(model);
  const [helped, setHelped] = React.useState(false);
  const [text, setText] = useFilter(model);
  return (
    <div className="jp-mlops-Filter">
      <div className="jp-mlops-Filter-line">
        <FilterField model={model} text={text} onChange={setText} />
        <button
          className="jp-mlops-Icon-button"
          aria-label="Help on filters"
          aria-expanded={helped}
          title="Help on filters"
          onClick={() => setHelped(!helped)}
        >
          ?
        </button>
      </div>
      {helped && <Help onPick={setText} />}
      <div className="jp-mlops-Filter-options">
        <span role="status">{model.data ? counted(model.total, 'run') : ''}</span>
        <a
          className="jp-mlops-Link"
          href={model.tableUrl}
          download="runs.csv"
          title="Download these runs with their params, metrics and tags"
        >
          CSV
        </a>
        <label title="Show archived runs as well">
          <input
            type="checkbox"
            checked={model.archived}
            onChange={event => void model.search({ archived: event.target.checked })}
          />
          archived
        </label>
        <Order model={model} />
      </div>
    </div>
  );
}

/** The text of the filter, which is searched for after a pause in typing. */
function useFilter(model: RunsModel): [string, (text: string) => void] {
  const [text, setText] = React.useState(model.filter);
  React.useEffect(() => {
    if (text === model.filter) {
      return;
    }
    const timer = window.setTimeout(() => void model.search({ filter: text }), TYPING_PAUSE_MS);
    return () => window.clearTimeout(timer);
  }, [model, text]);
  return [text, setText];
}

function FilterField(props: {
  model: RunsModel;
  text: string;
  onChange: (text: string) => void;
}): JSX.Element {
  const { model, text, onChange } = props;
  const id = React.useId();
  const field = React.useRef<HTMLInputElement>(null);
  const [cursor, setCursor] = React.useState<number | null>(null);
  const [active, setActive] = React.useState(-1);
  const found = cursor === null ? null : complete(text, cursor, model.fields);
  const options = found?.options ?? [];
  const choose = (option: string) => {
    const space = option.endsWith('(') ? '' : ' ';
    const next = `${text.slice(0, found!.from)}${option}${space}`;
    onChange(next + text.slice(found!.to).trimStart());
    setActive(-1);
    setCursor(next.length);
    requestAnimationFrame(() => field.current?.setSelectionRange(next.length, next.length));
  };
  const onKeyDown = (event: React.KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      const by = event.key === 'ArrowDown' ? 1 : -1;
      setCursor(event.currentTarget.selectionStart);
      setActive(options.length ? (active + by + options.length) % options.length : -1);
    } else if ((event.key === 'Enter' || event.key === 'Tab') && options[active]) {
      choose(options[active]);
    } else if (event.key === 'Escape' && cursor !== null) {
      setCursor(null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const refused = model.isRefused;
  return (
    <div className="jp-mlops-Complete">
      <input
        ref={field}
        type="search"
        role="combobox"
        className={`jp-mlops-Field${refused ? ' jp-mod-invalid' : ''}`}
        aria-label="Filter runs"
        aria-invalid={refused}
        aria-autocomplete="list"
        aria-expanded={options.length > 0}
        aria-controls={`${id}-options`}
        aria-activedescendant={active >= 0 ? `${id}-${active}` : undefined}
        placeholder="Filter: metrics.acc > 0.9"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onKeyDown={onKeyDown}
        onBlur={() => setCursor(null)}
        onChange={event => {
          onChange(event.target.value);
          setActive(-1);
          setCursor(event.target.value ? event.target.selectionStart : null);
        }}
      />
      {options.length > 0 && (
        <ul id={`${id}-options`} role="listbox" aria-label="Completions">
          {options.map((option, i) => (
            <li
              key={option}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === active}
              onPointerDown={event => {
                event.preventDefault(); // the field keeps the focus
                choose(option);
              }}
            >
              <code>{option}</code>
              <span>{FIELDS[option]}</span>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Order(props: { model: RunsModel }): JSX.Element {
  const { model } = props;
  const fields = model.fields.filter(field => !field.startsWith('tags.')).slice(0, MOST_ORDERS);
  const known = [...ORDERS.map(([value]) => value), ...fields.flatMap(each => bothWays(each))];
  return (
    <select
      aria-label="Order of runs"
      value={model.orderBy}
      onChange={event => void model.search({ order_by: event.target.value })}
    >
      {ORDERS.map(([value, label]) => (
        <option key={value} value={value}>
          {label}
        </option>
      ))}
      {!known.includes(model.orderBy) && <option value={model.orderBy}>{model.orderBy}</option>}
      {['metrics', 'params'].map(group => (
        <optgroup key={group} label={group}>
          {fields
            .filter(field => field.startsWith(`${group}.`))
            .flatMap(field =>
              bothWays(field).map(value => (
                <option key={value} value={value}>
                  {field.slice(group.length + 1)} {value.endsWith('desc') ? '↓' : '↑'}
                </option>
              ))
            )}
        </optgroup>
      ))}
    </select>
  );
}

function bothWays(field: string): [string, string] {
  return [`${field} desc`, `${field} asc`];
}

function Help(props: { onPick: (filter: string) => void }): JSX.Element {
  return (
    <div className="jp-mlops-Help">
      <div>Compare fields with values; join with and, or, not and parentheses.</div>
      <ul>
        {EXAMPLES.map(example => (
          <li key={example}>
            <button className="jp-mlops-Link" onClick={() => props.onPick(example)}>
              <code>{example}</code>
            </button>
          </li>
        ))}
      </ul>
      <div>
        Fields: <code>params.</code>, <code>metrics.</code> (the last value; <code>.min</code>,{' '}
        <code>.max</code>), <code>tags.</code>, {Object.keys(FIELDS).join(', ')}.
      </div>
      <div>
        Operators: = != &lt; &lt;= &gt; &gt;= <code>like</code> (% stands for anything){' '}
        <code>in (…)</code> <code>is null</code>.
      </div>
    </div>
  );
}

/** The filter's mistake in the server's words, and where it is; for anything else a way to try again. */
export function RunProblem(props: { model: RunsModel }): JSX.Element | null {
  const { model } = props;
  if (!model.error) {
    return null;
  }
  if (!model.isRefused) {
    return <ErrorBox error={model.error} retry={() => void model.refresh()} />;
  }
  const column = columnIn(model.error.message);
  const place = column === null ? null : around(model.filter, column);
  return (
    <>
      <ErrorBox error={model.error} />
      {place && (
        <pre className="jp-mlops-Mistake" aria-hidden="true">
          {place.before}
          <mark>{place.at}</mark>
          {place.after}
        </pre>
      )}
    </>
  );
}
