/** As much of the package as the globs of mirrors use; it comes without types. */
declare module 'picomatch/posix.js' {
  export default function picomatch(
    glob: string,
    options: {
      readonly dot: boolean
      readonly nonegate: boolean
      readonly strictSlashes: boolean
      readonly flags: string
      readonly debug: boolean
    },
  ): (text: string) => boolean
}
