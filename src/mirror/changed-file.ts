/** A file that is not what the listing has told of it: it is looked at anew, by itself. */
export class ChangedFile extends Error {
  constructor(path: string) {
    super(`${path} has changed since it was listed`)
  }
}
