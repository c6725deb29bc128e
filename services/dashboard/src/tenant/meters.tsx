/**
 * Owned against used, to be understood in five seconds.
 */
import type { ReactNode } from 'react';
import type { QuotaAnswer } from '../api/answers.ts';
import { StandingChip } from '../parts/chip.tsx';
import { ShareBar } from '../parts/share-bar.tsx';
import { isLicensedFor, METER_WORDS, METERS, type MeterName, standingOf, toneOf } from '../words/standing.ts';
import { words } from '../words/words.ts';

export function Verdict({ quota, openAlerts }: { quota: QuotaAnswer; openAlerts: number }): ReactNode {
  const over = METERS.filter((meter) => standingOf(quota[meter], isLicensedFor(quota)) === 'over');
  const close = METERS.filter((meter) => toneOf(standingOf(quota[meter], isLicensedFor(quota))) === 'warn');
  const alerts = openAlerts > 0 ? ` ${words.count(openAlerts)} open ${openAlerts === 1 ? 'alert' : 'alerts'}.` : '';
  if (over.length > 0) {
    const parts = over.map((meter) => `${lower(meter)} by ${words.count(quota[meter].overage)}`);
    return <p className="verdict bad">{`Over quota: ${parts.join('; ')}.${alerts}`}</p>;
  }
  if (close.length > 0)
    return <p className="verdict warn">{`${close.map((meter) => closeWords(quota, meter)).join(' ')}${alerts}`}</p>;
  const owns = METERS.some((meter) => quota[meter].owned > 0);
  return owns ? (
    <p className="verdict good">{`Within every quota.${alerts}`}</p>
  ) : (
    <p className="verdict calm">{`No licence is in force, so nothing is owned.${alerts}`}</p>
  );
}

function closeWords(quota: QuotaAnswer, meter: MeterName): string {
  const { share, reachedOn } = quota[meter];
  const used = `${METER_WORDS[meter]}: ${words.percent(share ?? 0)} used`;
  return reachedOn === null ? `${used}.` : `${used}, the rest will be by ${words.day(reachedOn)} (UTC) at this pace.`;
}

function lower(meter: MeterName): string {
  return METER_WORDS[meter].toLowerCase();
}

const ABOUT: Readonly<Record<MeterName, (quota: QuotaAnswer) => string>> = {
  interactions: ({ interactions }) => `in ${words.month(interactions.month)}`,
  engagedPeople: () => 'with an interaction in the last 12 months',
  unifiedPeople: () => 'after merging the records of all sources',
};

export function Meters({ quota }: { quota: QuotaAnswer }): ReactNode {
  return (
    <section className="meters" aria-label="Owned against used">
      {METERS.map((meter) => (
        <Meter key={meter} meter={meter} quota={quota} />
      ))}
    </section>
  );
}

function Meter({ meter, quota }: { meter: MeterName; quota: QuotaAnswer }): ReactNode {
  const used = quota[meter];
  const standing = standingOf(used, isLicensedFor(quota));
  return (
    <article className={`meter panel ${toneOf(standing)}`}>
      <header>
        <h2>{METER_WORDS[meter]}</h2>
        <StandingChip standing={standing} />
      </header>
      <p className="about">{ABOUT[meter](quota)}</p>
      <p className="big">
        <strong>{standing === 'unknown' ? '–' : words.count(used.used)}</strong>
        <span className="soft"> of {words.count(used.owned)} owned</span>
      </p>
      <ShareBar share={used.share} standing={standing} label={METER_WORDS[meter]} />
      <p className="scale" aria-hidden="true">
        <span>{used.share === null ? '' : words.percent(used.share)}</span>
        <span>marks at 80, 90 and 100 %</span>
      </p>
      <dl className="pairs">
        <div>
          <dt>{used.overage > 0 ? 'Over by' : 'Left'}</dt>
          <dd className={used.overage > 0 ? 'over-text' : undefined}>
            {words.count(used.overage > 0 ? used.overage : used.remaining)}
          </dd>
        </div>
        {meter === 'interactions' && quota.interactions.projected !== null && (
          <div>
            <dt>Expected by the month’s end</dt>
            <dd className={isBeyond(quota.interactions) ? 'over-text' : undefined}>
              {words.count(quota.interactions.projected)}
            </dd>
          </div>
        )}
        <div>
          <dt>Used up</dt>
          <dd>{reachedWords(used, quota.on)}</dd>
        </div>
      </dl>
    </article>
  );
}

function isBeyond({ projected, owned }: QuotaAnswer['interactions']): boolean {
  return projected !== null && owned > 0 && projected > owned;
}

function reachedWords({ reachedOn, overage }: QuotaAnswer[MeterName], on: string): string {
  if (reachedOn === null) return overage > 0 ? 'already' : 'not in sight';
  const day = `${words.day(reachedOn)} UTC`;
  return reachedOn > on ? `${day} at this pace` : `since ${day}`;
}
