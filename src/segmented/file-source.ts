/** A local file to be sent. */
import { openLocalFile, type LocalFile } from '../local/read-file.ts'
import type { UploadSource } from '../operations/upload-source.ts'

/** Rejects with `ERR_FTP_LOCAL_FILE`. */
export async function fileSource(path: string): Promise<UploadSource> {
  return localFileSource(await openLocalFile(path))
}

/** The same of one that is open. */
export function localFileSource(file: LocalFile): UploadSource {
  return {
    get size() {
      return file.size
    },
    get modified() {
      return file.modified
    },
    isRepeatable: true,
    isUnchanged: () => file.isUnchanged(),
    chunks: (start) => file.chunks(start),
    [Symbol.asyncDispose]: () => file[Symbol.asyncDispose](),
  }
}
