import CSystem
import KernelInterface
import PullPushKernels

#if arch(x86_64)
import PullPushKernelsV3
import PullPushKernelsV4
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
public enum InstructionSet: Int64, Sendable {
    case baseline
    /// AVX2 and fused multiply-add
    case x86v3
    /// The same, and AVX-512 for matrix products and for identities of four rows
    case x86v4

    public var name: StaticString {
        switch self {
        case .baseline: "baseline"
        case .x86v3: "x86-64-v3"
        case .x86v4: "x86-64-v4"
        }
    }

    /// The best one of this machine, or a lesser one that the environment variable PULLPUSH_ISA names.
    public static var current: InstructionSet { InstructionSet(rawValue: onFirstUse(&known, choose))! }

    nonisolated(unsafe) private static var known: Int64 = 0

    private static func choose() -> Int64 {
        let best = Int64(csystem_x86_level())
        guard let wish = environment("PULLPUSH_ISA") else { return best }
        var chosen = best
        while chosen >= 0, strcmp(wish, InstructionSet(rawValue: chosen)!.name.cString) != 0 { chosen -= 1 }
        return chosen < 0 ? best : chosen
    }

    func kernels(for element: ElementType) -> Kernels {
        let double = element.computesInDouble
        #if arch(x86_64)
        if self != .baseline { return PullPushKernelsV3.makeKernels(computingInDouble: double) }
        #endif
        return PullPushKernels.makeKernels(computingInDouble: double)
    }

    /// Works a product out, and is called with what `element` is computed in.
    @inline(never)
    func multiply(_ product: Product, _ element: ElementType) {
        if element.computesInDouble {
            #if arch(x86_64)
            if self != .baseline { return PullPushKernelsV3.multiplyDoubles(product) }
            #endif
            PullPushKernels.multiplyDoubles(product)
        } else {
            #if arch(x86_64)
            if self == .x86v4 { return PullPushKernelsV4.multiplyFloats(product) }
            if self == .x86v3 { return PullPushKernelsV3.multiplyFloats(product) }
            #endif
            PullPushKernels.multiplyFloats(product)
        }
    }
}
