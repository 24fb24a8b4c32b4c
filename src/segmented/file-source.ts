/** A local file to be sent. */
import { openLocalFile } from '../local/read-file.ts'
import type { UploadSource } from '../operations/upload-source.ts'

/** Rejects with `ERR_FTP_LOCAL_FILE`. */
export async function fileSource(path: string): Promise<UploadSource> {
  const file = await openLocalFile(path)
  return {
    ...{ size: file.size, modified: file.modified, isRepeatable: true },
    isUnchanged: () => file.isUnchanged(),
    chunks: (start) => file.chunks(start),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}
