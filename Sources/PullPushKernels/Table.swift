import KernelInterface

/// The kernels of this module, which is one instruction set, for one compute type.
///
/// Exported as an interface only: a client that emitted the body again would compile it for its own instruction set.
@export(interface)
public func kernelTable(computingInDouble: Bool) -> KernelTable {
    computingInDouble ? table(Double.self) : table(Float.self)
}

@inline(__always)
private func table<S: ComputeScalar>(_: S.Type) -> KernelTable {
    KernelTable(
        sumPoints: { rows, points, range, total, slot in
            sumPoints(rows, points, range, total, slot.assumingMemoryBound(to: S.self))
        },
        addGradients: { job, identity, range, scratch in addGradients(S.self, job, identity, range, scratch) },
        packPoints: { rows, points, range, packed, stride, squares, slot in
            packPoints(
                rows, points, range, packed.assumingMemoryBound(to: S.self), stride,
                squares.assumingMemoryBound(to: S.self), slot.assumingMemoryBound(to: S.self))
        },
        firstNonFinite: { rows, range, slot in firstNonFinite(rows, range, slot.assumingMemoryBound(to: S.self)) },
        multiply: { m, n, k, a, b, c, adding in multiply(S.self, m, n, k, a, b, c, adding) },
        transpose: { rows, columns, a, b in transpose(S.self, rows, columns, a, b) },
        evaluatePairs: { tile, function in evaluatePairs(S.self, tile, function) },
        completePoints: { completion in completePoints(S.self, completion) },
        addToDoubles: { scalars, doubles, count in
            let scalars = scalars.assumingMemoryBound(to: S.self)
            for i in 0..<count { doubles[i] += Double(scalars[i]) }
        },
        narrowDoubles: { doubles, scalars, count in
            let scalars = scalars.assumingMemoryBound(to: S.self)
            for i in 0..<count { scalars[i] = S(doubles[i]) }
        }
    )
}
