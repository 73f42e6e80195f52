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

/// The instruction set the kernels run with.
public enum InstructionSet: Int32, Sendable {
    case baseline = 0
    /// AVX2 and fused multiply-add
    case x86v3 = 3
    /// AVX-512
    case x86v4 = 4

    public var name: StaticString {
        switch self {
        case .baseline: "baseline"
        case .x86v3: "x86-64-v3"
        case .x86v4: "x86-64-v4"
        }
    }

    /// The best one of this machine, or a lesser one that the environment variable PULLPUSH_ISA names.
    public static let current: InstructionSet = {
        let best = InstructionSet(rawValue: csystem_x86_level()) ?? .baseline
        guard let wish = environment("PULLPUSH_ISA") else { return best }
        func isWished(_ candidate: InstructionSet) -> Bool {
            candidate.rawValue <= best.rawValue && strcmp(wish, candidate.name.cString) == 0
        }
        if isWished(.baseline) { return .baseline }
        if isWished(.x86v3) { return .x86v3 }
        return best
    }()

    func kernels(for element: ElementType) -> Kernels {
        let double = element.computesInDouble
        switch self {
        #if arch(x86_64)
            case .x86v3: return PullPushKernelsV3.makeKernels(computingInDouble: double)
            case .x86v4: return PullPushKernelsV3.makeKernels(computingInDouble: double)
        #endif
        default: return PullPushKernels.makeKernels(computingInDouble: double)
        }
    }
}
