#if PULLPUSH_FMA
import CVectors
import KernelInterface

#if PULLPUSH_HAS_WIDER
import PullPushKernelsV4
#endif

/// A few identities are measured, then weighed, then written: one's roots and quotients take as long as those of several.
@inline(__always)
func writeRawFours<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ first: Int, _ end: Int, _ sums: inout LinearSums
) -> Int {
    let weights = FourWeights(weights)
    let rows = job.rows.pointee
    let most = Slot.count(dim: rows.dim)
    var totals = FourSums()
    // Identities before `number` are written.
    var number = first
    while number < end {
        let last = min(end, number &+ most)
        var measured = number
        while measured < last {
            let identity = rows.identity(measured)
            if identity.count != 4 { break }
            Slot(job, measured &- number).measure(S.self, job.addresses(of: measured, identity), job)
            measured &+= 1
        }
        var weighed = number
        while weighed < measured {
            let slot = Slot(job, weighed &- number)
            guard let found = weigh(slot.gram, weights, rows.normalization, to: slot.shares(of: S.self)),
                !(job.centred && found.areClose)
            else { break }
            totals.product = totals.product + found.product
            totals.squares = totals.squares + found.squares
            weighed &+= 1
        }
        for written in number..<weighed {
            Slot(job, written &- number).write(S.self, job.addresses(of: written, rows.identity(written)), job)
        }
        number = weighed
        if number < last { break }
    }
    sums.add(totals.sums, count: 4, identities: number &- first)
    return number
}

/// Scratch for one of a few identities: first its Gram matrix, then what it weighs in its gradient.
private struct Slot {
    private let start: UnsafeMutableRawPointer

    @inline(__always)
    init(_ job: LinearRows, _ number: Int) { start = job.space.products + number &* (LinearSpace.leastProducts / 4) }

    /// So many identities that the first-level cache still has their rows when they are written.
    @inline(__always)
    static func count(dim: Int) -> Int { max(1, min(4, 512 / dim)) }

    @inline(__always)
    var gram: Gram { start.loadUnaligned(as: Gram.self) }

    /// For each row the sum's share in its gradient, then its own, then that of the vector that the first row has for
    /// itself.
    @inline(__always)
    func shares<S: ComputeScalar>(of _: S.Type) -> UnsafeMutablePointer<S> { start.assumingMemoryBound(to: S.self) }

    @inline(__always)
    func measure<S: ComputeScalar>(_: S.Type, _ identity: IdentityAddresses, _ job: LinearRows) {
        let dim = job.rows.pointee.dim
        #if PULLPUSH_HAS_WIDER
        if job.job.pointee.isWide { return measureFourOfFloats(identity, dim: dim, to: start) }
        #endif
        start.storeBytes(of: Gram(IdentityOfFour<S>(identity), dim: dim), as: Gram.self)
    }

    @inline(__always)
    func write<S: ComputeScalar>(_: S.Type, _ identity: IdentityAddresses, _ job: LinearRows) {
        let dim = job.rows.pointee.dim
        #if PULLPUSH_HAS_WIDER
        if job.job.pointee.isWide { return writeFourOfFloats(identity, dim: dim, by: start) }
        #endif
        writeFour(IdentityOfFour<S>(identity), by: shares(of: S.self), dim)
    }
}

/// `LinearWeights` for each of four rows.
private struct FourWeights {
    let onSum: Four
    let rootOfOnSum: Four
    let onSelf: Four
    let ownOnFirst: Double

    @inline(__always)
    init(_ weights: LinearWeights) {
        onSum = Four(repeating: weights.onSum)
        rootOfOnSum = Four(repeating: (-weights.onSum).squareRoot())
        onSelf = Four(SIMD4(weights.onFirst, weights.onRow, weights.onRow, weights.onRow))
        ownOnFirst = weights.ownOnFirst
    }
}

/// `RowSums` of four rows, each row's share by itself.
private struct FourSums {
    var product = Four.zero
    var squares = Four.zero

    @inline(__always)
    var sums: RowSums {
        RowSums(product: product.total, squares: squares.total, firstSquare: squares.lanes.x)
    }

    /// `LinearRows.isExceptional`, for the squares are not, and bound the products.
    @inline(__always)
    var areClose: Bool {
        !(multiplyAdd(squares, Four(repeating: 0.9), product * Four(repeating: -0.25)).total > 0)
    }
}

/// Rows that are normalised, or enter their gradient themselves; nil if one of them is exceptional.
@inline(__always)
private func weigh<S: ComputeScalar>(
    _ gram: Gram, _ weights: FourWeights, _ normalization: Normalization, to shares: UnsafeMutablePointer<S>
) -> FourSums? {
    guard let x = FourScales(squares: gram.squares, normalization) else { return nil }
    let alongSum = gram.along(x.scale)
    let onOwn = weights.ownOnFirst * x.scale.lanes.x
    // Rows that stay as they are do not need it, and theirs may be infinite.
    let alongOwn = normalization == .none ? 0 : gram.alongOwn * onOwn
    let along = multiplyAdd(alongSum, weights.onSum, Four(SIMD4(alongOwn, 0, 0, 0)))
    let onRow =
        (weights.onSelf - multiplyAdd(weights.onSelf, x.square, along) * x.projection) * (x.scale * x.scale)
    // One vector for each row's share in the sum, and the sum's share in its gradient: their product is −onSum.
    S.store((x.scale * weights.rootOfOnSum).lanes, to: shares)
    S.store(onRow.lanes, to: shares + 4)
    shares[8] = S(onOwn)
    return FourSums(product: alongSum, squares: x.square)
}
#endif
