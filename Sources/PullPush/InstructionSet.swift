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

    public var name: StaticString {
        switch self {
        case .baseline: "baseline"
        case .x86v3: "x86-64-v3"
        }
    }

    /// The best one of this machine, unless the environment variable PULLPUSH_ISA says "baseline".
    public static let current: InstructionSet = {
        if let wish = environment("PULLPUSH_ISA"), strcmp(wish, InstructionSet.baseline.name.cString) == 0 {
            return .baseline
        }
        return csystem_has_x86_v3() != 0 ? .x86v3 : .baseline
    }()

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
