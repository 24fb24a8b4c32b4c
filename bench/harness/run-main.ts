/** Runs a program of this folder; where only its usage is asked for, that is told. What fails is told, with exit code 1. */
export async function runMain(
  { help, usage }: { readonly help: boolean | undefined; readonly usage: string },
  main: () => Promise<void>,
): Promise<void> {
  if (help === true) {
    console.log(usage)
    return
  }
  try {
    await main()
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  }
}
