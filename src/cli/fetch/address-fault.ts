/** An address does not give the published file, whoever is to blame; another address may. */

import { ArcfaceError } from '../../errors.ts';

export class AddressFault extends ArcfaceError {}
