import CSystem
import KernelInterface
import PullPushKernels

#if arch(x86_64)
import PullPushKernelsV3
#endif

extension StaticString {
    /// The text as C sees it. Passing a literal to a C function would go through String, which is a large part of the
    /// Swift runtime.
    package var cString: UnsafePointer<CChar> { UnsafeRawPointer(utf8Start).assumingMemoryBound(to: CChar.self) }
}

/// The value of an environment variable.
func environment(_ name: StaticString) -> UnsafePointer<CChar>? { UnsafePointer(getenv(name.cString)) }

/// A value from 0 on that is found out on first use and kept plus one in `place`, where 0 stands for not yet.
///
/// Threads may find it out twice, and one of them is kept. A `static let` would let all but one wait, and a child that was
/// forked meanwhile would wait forever for a thread it does not have.
func onFirstUse(_ place: UnsafeMutablePointer<Int64>, _ find: () -> Int64) -> Int64 {
    if csystem_load(place) == 0 { _ = csystem_compare_exchange(place, 0, find() + 1) }
    return csystem_load(place) - 1
}

/// The instruction set the kernels run with.
public enum InstructionSet: Sendable {
    case baseline
    /// AVX2 and fused multiply-add
    case x86v3

    public var name: StaticString {
        switch self {
        case .baseline: "baseline"
        case .x86v3: "x86-64-v3"
        }
    }

    /// The best one of this machine, unless the environment variable PULLPUSH_ISA says "baseline".
    public static var current: InstructionSet { onFirstUse(&known, choose) == 0 ? .baseline : .x86v3 }

    nonisolated(unsafe) private static var known: Int64 = 0

    private static func choose() -> Int64 {
        if let wish = environment("PULLPUSH_ISA"), strcmp(wish, InstructionSet.baseline.name.cString) == 0 { return 0 }
        return Int64(csystem_has_x86_v3())
    }

    func kernels(for element: ElementType) -> Kernels {
        let double = element.computesInDouble
        switch self {
        #if arch(x86_64)
        case .x86v3: return PullPushKernelsV3.makeKernels(computingInDouble: double)
        #endif
        default: return PullPushKernels.makeKernels(computingInDouble: double)
        }
    }
}
