/**
 * Which figure of a statement is asked about, and what the statement itself says of it.
 */
import { countOf, type Day, engagedWindow } from '@tally/metering';
import { TallyError } from '@tally/platform/errors';
import { CHANNELS, type Channel } from '@tally/schemas';
import type { AdjustedFigure, Statement } from '../document.ts';

export { ADJUSTED_FIGURES as EVIDENCE_FIGURES, type AdjustedFigure as EvidenceFigure } from '../document.ts';

/** A part of a figure. Only interactions have a channel and a day: a person may have used several, on many days. */
export interface Narrowing {
  environment?: string | undefined;
  channel?: Channel | undefined;
  day?: Day | undefined;
}

export interface Asked extends Narrowing {
  statement: Statement;
  figure: AdjustedFigure;
}

export type FigureKind = 'interactions' | 'engaged' | 'unified';

const KINDS: Record<AdjustedFigure, FigureKind> = {
  interactions: 'interactions',
  engagedPeople: 'engaged',
  engagedPeoplePeak: 'engaged',
  unifiedPeople: 'unified',
  unifiedPeoplePeak: 'unified',
};

/** How the rows behind a figure are found. */
export function kindOf(figure: AdjustedFigure): FigureKind {
  return KINDS[figure];
}

/** The first and the last day whose interactions count for the figure; for unified people the day of the figure. */
export function daysOf({ statement, figure }: Asked): { first: Day; last: Day } {
  const { period, engagedPeople, unifiedPeople } = statement;
  switch (figure) {
    case 'interactions':
      return { first: period.firstDay, last: period.lastDay };
    case 'engagedPeople':
      return engagedWindow(engagedPeople.day);
    case 'engagedPeoplePeak':
      return engagedWindow(engagedPeople.peak.day);
    case 'unifiedPeople':
      return { first: unifiedPeople.day, last: unifiedPeople.day };
    case 'unifiedPeoplePeak':
      return { first: unifiedPeople.peak.day, last: unifiedPeople.peak.day };
  }
}

/** The figure as stated. */
export function statedOf({ statement, figure }: Pick<Asked, 'statement' | 'figure'>): number {
  const { interactions, engagedPeople, unifiedPeople } = statement;
  switch (figure) {
    case 'interactions':
      return interactions.used;
    case 'engagedPeople':
      return engagedPeople.used;
    case 'engagedPeoplePeak':
      return engagedPeople.peak.used;
    case 'unifiedPeople':
      return unifiedPeople.used;
    case 'unifiedPeoplePeak':
      return unifiedPeople.peak.used;
  }
}

export interface StatedParts {
  byEnvironment?: Record<string, number>;
  byChannel?: Record<string, number>;
  byEntityType?: Record<string, number>;
}

/** The parts that the statement gives beside the figure; none for a peak. */
export function statedPartsOf({ statement, figure }: Pick<Asked, 'statement' | 'figure'>): StatedParts {
  const { interactions, engagedPeople, unifiedPeople } = statement;
  switch (figure) {
    case 'interactions':
      return { byEnvironment: interactions.byEnvironment, byChannel: interactions.byChannel };
    case 'engagedPeople':
      return { byEnvironment: engagedPeople.byEnvironment, byEntityType: engagedPeople.byEntityType };
    case 'unifiedPeople':
      return { byEnvironment: unifiedPeople.byEnvironment };
    default:
      return {};
  }
}

/** What the statement says of the part that is asked about; null where it does not say. */
export function statedOfPart(asked: Asked): number | null {
  const { environment, channel, day, statement } = asked;
  const { byEnvironment, byChannel } = statedPartsOf(asked);
  const narrowed = [environment, channel, day].filter((by) => by !== undefined).length;
  if (narrowed === 0) return statedOf(asked);
  if (narrowed > 1) return null;
  if (environment !== undefined) return byEnvironment ? countOf(byEnvironment, environment) : null;
  if (channel !== undefined) return byChannel ? (byChannel[channel] ?? 0) : null;
  const { peakDay } = statement.interactions;
  return peakDay?.day === day ? (peakDay?.used ?? null) : null;
}

/** Throws `NARROWING_INVALID` for a part that the figure does not have. */
export function checkNarrowing({ figure, channel, day }: Pick<Asked, 'figure' | 'channel' | 'day'>): void {
  if (channel !== undefined && !CHANNELS.includes(channel)) {
    throw notNarrowed(`a channel is one of ${CHANNELS.join(', ')}`);
  }
  if (kindOf(figure) === 'interactions' || (channel === undefined && day === undefined)) return;
  throw notNarrowed('people belong to an environment, not to a channel or a day: only interactions can be narrowed so');
}

function notNarrowed(detail: string): TallyError {
  return new TallyError(detail, { code: 'NARROWING_INVALID', retriable: false });
}
