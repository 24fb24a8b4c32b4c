/** All targets, by name. */
import type { Target } from '../target.ts'
import { journalFiles, journals } from './journals.ts'
import { listing } from './listings.ts'
import { options } from './options.ts'
import { replies } from './replies.ts'
import { urls } from './urls.ts'

export const targets: readonly Target[] = [replies, listing, journals, journalFiles, urls, options]
