// swift-tools-version: 6.2
import PackageDescription

// The shipped shared object is built with PULLPUSH_EMBEDDED=1: Embedded Swift, no Swift runtime, libc and libm only.
// Without it the same sources build as an ordinary package, which is what Swift users import and `swift test` tests.
let embedded = Context.environment["PULLPUSH_EMBEDDED"] == "1"

// With PULLPUSH_CHECKED=1 an overflow, a missing value or a bad index stops the program instead of being undefined.
let checked = Context.environment["PULLPUSH_CHECKED"] == "1"

// With PULLPUSH_PLAIN_V4=1 the code for AVX-512 is built for AVX2 and runs there: so any processor can test what it does.
let plainV4 = Context.environment["PULLPUSH_PLAIN_V4"] == "1"

let soname = "libpullpush.so.0"
let packageRoot = Context.packageDirectory

/// Embedded builds are small builds. Only the kernels of the instruction sets that count are worth more code for more
/// speed, and they say themselves what is a vector: the compiler need not unroll, vectorise or align loops on its own.
func languageSettings(fast: Bool = false) -> [SwiftSetting] {
    let small = ["-Osize"] + (checked ? [] : ["-Xfrontend", "-remove-runtime-asserts"])
    let plainLoops = ["-align-loops=1", "-unroll-runtime=0", "-vectorize-loops=0", "-vectorize-slp=0"].flatMap {
        ["-Xllvm", $0]
    }
    return embedded
        ? [
            .enableExperimentalFeature("Embedded"),
            .unsafeFlags(["-wmo", "-Xfrontend", "-function-sections"]),
            .unsafeFlags(fast ? [checked ? "-O" : "-Ounchecked"] + plainLoops : small),
        ]
        : [.unsafeFlags(["-Ounchecked"], .when(configuration: .release))]
}

/// Leaves out of the shared library what it has no use for: C's start files, for it has nothing to do when it is loaded or
/// unloaded, and the compiler's notes to itself.
let leanLinking = [
    "-Xclang-linker", "-nostartfiles", "-Xlinker", "-T\(packageRoot)/Sources/PullPushABI/sections.ld",
]

/// The kernels are one set of sources, compiled once for every instruction set. Fused multiply-add is a library call,
/// a lane at a time, on a processor that lacks it, so only the variants that have it may use it.
func kernels(_ name: String, march: String?, wider: String? = nil, defines: [String] = []) -> Target {
    .target(
        name: name,
        dependencies: ["CVectors", "KernelInterface"] + (wider.map { [.target(name: $0)] } ?? []),
        swiftSettings: languageSettings(fast: march != nil)
            + (march.map { [.unsafeFlags(["-Xcc", "-march=\($0)"])] } ?? [])
            + defines.map { .define($0) }
    )
}

#if arch(x86_64)
let kernelVariants: [Target] = [
    kernels("PullPushKernels", march: nil),
    kernels(
        "PullPushKernelsV3", march: "x86-64-v3", wider: "PullPushKernelsV4",
        defines: ["PULLPUSH_FMA", "PULLPUSH_HAS_WIDER"]),
    // What gains by registers of 64 bytes, alone: the matrix product, and the loops over four rows.
    kernels(
        "PullPushKernelsV4", march: plainV4 ? "x86-64-v3" : "x86-64-v4", defines: ["PULLPUSH_FMA", "PULLPUSH_AVX512"]),
]
#else
let kernelVariants: [Target] = [kernels("PullPushKernels", march: nil, defines: ["PULLPUSH_FMA"])]
#endif

/// Testing needs the whole standard library.
let tests: [Target] =
    embedded
    ? []
    : [
        .testTarget(name: "PullPushTests", dependencies: ["PullPush"]),
        .systemLibrary(
            name: "CPython", path: "Tests/CPython", pkgConfig: "python3-embed", providers: [.apt(["libpython3-dev"])]),
        .testTarget(name: "EmbeddingTests", dependencies: ["CPullPush", "CPython", "PullPush"]),
    ]

let package = Package(
    name: "PullPush",
    products: [
        .library(name: "PullPush", targets: ["PullPush"]),
        .library(name: "pullpush", type: .dynamic, targets: ["PullPushABI"]),
    ],
    targets: [
        .systemLibrary(name: "CPullPush", path: "include"),
        .systemLibrary(name: "CSystem"),
        .systemLibrary(name: "CVectors"),
        .target(name: "KernelInterface", swiftSettings: languageSettings()),
    ] + kernelVariants + [
        .target(
            name: "PullPush",
            dependencies: ["CSystem", "CVectors", "KernelInterface"] + kernelVariants.map { .target(name: $0.name) },
            swiftSettings: languageSettings(fast: true)
                + (plainV4 ? [.unsafeFlags(["-Xcc", "-DCSYSTEM_PLAIN_V4"])] : [])
        ),
        .target(
            name: "PullPushABI",
            dependencies: ["CPullPush", "KernelInterface", "PullPush"],
            exclude: ["exports.map", "sections.ld"],
            swiftSettings: languageSettings(),
            linkerSettings: [
                .linkedLibrary("m"),
                .unsafeFlags(
                    [
                        "-use-ld=lld",
                        "-Xlinker", "--version-script=\(packageRoot)/Sources/PullPushABI/exports.map",
                        "-Xlinker", "-soname", "-Xlinker", soname,
                        "-Xlinker", "--gc-sections",
                        "-Xlinker", "-z", "-Xlinker", "noseparate-code",
                        // Helper threads may be asleep in the library's code: unloading it would take that away.
                        "-Xlinker", "-z", "-Xlinker", "nodelete",
                    ] + (embedded ? ["-enable-experimental-feature", "Embedded"] + leanLinking : [])),
            ]
        ),
    ] + tests,
    swiftLanguageModes: [.v6]
)
