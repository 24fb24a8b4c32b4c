/**
 * `planMirror(url, directory)` and `runJob(job)`: a mirror down as data, for many processes and machines to do together.
 */
import { resolve } from 'node:path'
import { runClientJob, type FtpClient } from './client.ts'
import type { MirrorFailure } from './mirror/mirror-result.ts'
import { checkJob, jobOf, type JobRoot, type MirrorJob, type MirrorJobOptions, type MirrorJobResult } from './mirror/job.ts'
import { mirrorSettings, type MirrorOptions } from './mirror/mirror-options.ts'
