import { BellowsError } from '../../core/errors.ts'

export function heldTooLong(
  step: string,
  what: string,
  because: readonly string[],
  pauseMaxMs: number,
): BellowsError {
  return new BellowsError(
    'brake_held',
    `The brake has held ${what} for ${pauseMaxMs / 1_000} s: ${because.join('; ')}.`,
    {
      step,
      hint: 'What was done stays done. Run the same command again when that has passed, or change the limit under "brake" in the config file; what was asked for by hand is lifted by "bellows resume".',
      facts: { because },
    },
  )
}
