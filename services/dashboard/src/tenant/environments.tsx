/**
 * Each environment beside the others of the tenant: a quota is the tenant's, no environment has one of its own.
 */
import type { ReactNode } from 'react';
import type { QuotaAnswer } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { Panel } from '../parts/panel.tsx';
import { type Column, Table } from '../parts/table.tsx';
import { METER_WORDS, METERS, type MeterName } from '../words/standing.ts';
import { words } from '../words/words.ts';

type Environment = QuotaAnswer['environments'][number];

const COLUMNS: readonly Column<Environment>[] = [
  {
    name: 'Environment',
    isHead: true,
    cell: ({ id, name, registered }) => (
      <>
        {id} <span className="soft">{registered ? name : 'not registered'}</span>
      </>
    ),
  },
  {
    name: 'Type',
    cell: ({ type, geo }) => [type, geo].filter((text) => text !== undefined && text !== '').join(', ') || '–',
  },
  ...METERS.map((meter) => ({
    name: METER_WORDS[meter],
    isFigure: true,
    cell: (environment: Environment) => <Beside environment={environment} meter={meter} />,
  })),
];

export function Environments({ live }: { live: Live<QuotaAnswer> }): ReactNode {
  return (
    <Panel
      title="Environments"
      about="Every quota is the tenant’s as a whole; below each figure stands what the others in the tenant use."
      live={live}
      wide
      empty={({ environments }) =>
        environments.length > 0 ? null : 'No environment is registered, and none was seen.'
      }
    >
      {({ environments }) => (
        <Table
          caption="Environments and what each uses, with the others in the tenant"
          columns={COLUMNS}
          rows={environments}
          keyOf={({ id }) => id}
        />
      )}
    </Panel>
  );
}

function Beside({ environment, meter }: { environment: Environment; meter: MeterName }): ReactNode {
  const { used, others } = environment[meter];
  return (
    <>
      {words.count(used)}
      <span className="under">others in the tenant {words.count(others)}</span>
    </>
  );
}
