/**
 * What else the licences grant.
 */
import type { ReactNode } from 'react';
import type { QuotaAnswer } from '../api/answers.ts';
import type { Live } from '../api/queries.ts';
import { Panel } from '../parts/panel.tsx';
import { words } from '../words/words.ts';

export function Entitlements({ live }: { live: Live<QuotaAnswer> }): ReactNode {
  return (
    <Panel title="What else is granted" live={live}>
      {({ emailPerHour, outboundMarketingInstalls, dataverse, policy, catalogueVersion }) => (
        <dl className="pairs list">
          <div>
            <dt>E-mail throughput</dt>
            <dd>{emailPerHour === 'standard' ? 'standard' : `${words.count(emailPerHour)} an hour`}</dd>
          </div>
          <div>
            <dt>Outbound-marketing installations</dt>
            <dd>{words.count(outboundMarketingInstalls)}</dd>
          </div>
          <div>
            <dt>Dataverse base</dt>
            <dd>{dataverse.base > 0 ? 'included' : 'none'}</dd>
          </div>
          <div>
            <dt>Dataverse add-on units</dt>
            <dd>{words.count(dataverse.addOnUnits)}</dd>
          </div>
          <div>
            <dt>Counting policy</dt>
            <dd>{policy}</dd>
          </div>
          <div>
            <dt>Catalogue</dt>
            <dd>version {words.count(catalogueVersion)}</dd>
          </div>
        </dl>
      )}
    </Panel>
  );
}
