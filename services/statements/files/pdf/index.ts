/**
 * A statement as pages that one would send to a customer. Long lists are cut to their largest; the workbook has them whole.
 */
import type { Statement } from '../../document.ts';
import { count, monthName } from '../words.ts';
import {
  drawAdjustments,
  drawBasis,
  drawBreakdowns,
  drawEnvironments,
  drawLicences,
  drawLicenceYear,
} from './details.ts';
import { drawHead, drawMeters, drawVerdict, drawYear } from './meters.ts';
import { COLOUR, FOOTER_TOP, LEFT, Paper, RIGHT, WIDTH } from './paper.ts';

/** The bytes of the PDF file: A4, in English, tagged, every font in it. */
export async function pdfOf(statement: Statement): Promise<Uint8Array> {
  const { tenantId, month, number, issuedAt } = statement;
  const paper = new Paper({
    title: `Usage statement of ${tenantId}, ${monthName(month)}`,
    subject: `Statement ${count(number)}, ${statement.digest}`,
    createdAt: new Date(issuedAt),
  });
  drawHead(paper, statement);
  drawVerdict(paper, statement);
  drawMeters(paper, statement);
  drawYear(paper, statement);
  drawLicenceYear(paper, statement);
  drawBreakdowns(paper, statement);
  drawAdjustments(paper, statement);
  drawEnvironments(paper, statement);
  drawLicences(paper, statement);
  drawBasis(paper, statement);
  return paper.finished((page, pages) => drawFooter(paper, statement, page, pages));
}

function drawFooter(
  paper: Paper,
  { tenantId, month, digest, previousDigest }: Statement,
  page: number,
  pages: number,
): void {
  const style = { size: 6.4, colour: COLOUR.grey } as const;
  const y = FOOTER_TOP;
  paper.line([LEFT, y], [RIGHT, y], COLOUR.line);
  paper.write(`Digest of this statement ${digest}`, LEFT, y + 11, { ...style, width: WIDTH * 0.75 });
  const before = previousDigest === null ? 'none, this is the first' : previousDigest;
  paper.write(`Digest of the one before ${before}`, LEFT, y + 20, { ...style, width: WIDTH * 0.75 });
  const right = { ...style, align: 'right', width: WIDTH * 0.25 } as const;
  paper.write(`${tenantId}, ${monthName(month)}`, LEFT + WIDTH * 0.75, y + 11, right);
  paper.write(`Page ${page} of ${pages}`, LEFT + WIDTH * 0.75, y + 20, right);
}
