import config from '../../vitest.config.ts'

/** The packed package: installed with what its users have, compiled by their compilers, bundled, and run. */
export default { ...config, test: { ...config.test, include: ['test/package/**/*.test.ts'], exclude: [] } }
