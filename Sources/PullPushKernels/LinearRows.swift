#if PULLPUSH_FMA
import KernelInterface

/// See `Kernels.writeLinear`.
@inline(__always)
func writeLinearRows<S: ComputeScalar>(_: S.Type, _ job: LinearRows, _ first: Int, _ end: Int) -> LinearSums {
    let rows = job.rows.pointee
    let states = job.states
    var sums = LinearSums()
    for number in first..<end {
        let identity = rows.identity(number)
        let count = identity.count
        for a in 0..<count {
            let row = identity.row(a)
            states[a].features = rows.features + row &* job.featureBytes
            states[a].gradient.target = job.gradient + row &* job.gradientBytes
        }
        let weights = LinearWeights(job, number, count: count)
        let isUnit = rows.normalization == .none && weights.onRow == 0 && weights.onFirst == 0
        let found: RowSums?
        if count == 4 && !job.isLarge {
            found = isUnit ? writeFourUnitRows(S.self, job, weights) : writeFourRawRows(S.self, job, weights)
        } else {
            found = isUnit ? writeUnitRows(S.self, job, count, weights) : writeRawRows(S.self, job, count, weights)
        }
        guard let found, !job.isExceptional(found, count: Double(count)) else { break }
        sums.add(found, count: Double(count))
    }
    return sums
}

/// The coefficients of `LinearRows` for one identity, whose rows are those of the states. They are finite, or exceptional.
struct LinearWeights {
    let onSum: Double
    let onRow: Double
    let own: UnsafeRawPointer
    let ownOnFirst: Double
    /// Of the first row, on itself.
    let onFirst: Double

    @inline(__always)
    init(_ job: LinearRows, _ identity: Int, count: Int) {
        let pulls = count > 1
        onSum = pulls ? job.pullOnSum : 0
        onRow = pulls ? job.pullOnRow + job.pullOnRowByCount * Double(count) : 0
        // Without weight it is any vector of finite numbers, for zero times another is none.
        own = job.ownOnFirst == 0 ? job.states[0].features : job.own + identity &* job.ownBytes
        ownOnFirst = job.ownOnFirst
        onFirst = onRow + job.firstOnFirst
    }
}

/// Rows that enter neither normalised nor by themselves.
@inline(__always)
private func writeUnitRows<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ count: Int, _ weights: LinearWeights
) -> RowSums {
    let found = addRows(job.states, count, into: job.sum.assumingMemoryBound(to: S.self), job.rows.pointee.dim)
    for a in 0..<count {
        job.states[a].gradient.onShared = weights.onSum
        job.states[a].gradient.onRow = 0
        job.states[a].gradient.own = nil
    }
    job.write(S.self, count, own: weights.own, by: weights.ownOnFirst)
    return found
}

/// Rows that are normalised, or enter their gradient themselves; nil if one of them is exceptional.
@inline(__always)
private func writeRawRows<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ count: Int, _ weights: LinearWeights
) -> RowSums? {
    let states = job.states
    let dim = job.rows.pointee.dim
    let normalization = job.rows.pointee.normalization
    measureRows(S.self, states, count, dim)
    var squares = 0.0
    for a in 0..<count {
        let square = states[a].rawSquare
        guard LinearRows.isOrdinary(rawSquare: square) else { return nil }
        let scale = RowScale(norm: square.squareRoot(), normalization)
        states[a].scale = scale
        states[a].setUnit(scale.scale, inDouble: S.self == Double.self)
        squares += scale.square
    }
    let product = addScaledRows(
        states, count, into: job.sum.assumingMemoryBound(to: S.self), dim,
        products: job.products.assumingMemoryBound(to: S.self))
    let alongOwn = dotProduct(
        states[0].features.assumingMemoryBound(to: S.self), weights.own.assumingMemoryBound(to: S.self), dim)
    var ownPart = weights.ownOnFirst * alongOwn
    var onSelf = weights.onFirst
    for a in 0..<count {
        let scale = states[a].scale
        let along = (weights.onSum * states[a].alongSum + ownPart) * scale.scale
        states[a].gradient.onShared = weights.onSum * scale.scale
        states[a].gradient.onRow =
            (onSelf - (along + onSelf * scale.square) * scale.projection) * (scale.scale * scale.scale)
        states[a].gradient.own = nil
        ownPart = 0
        onSelf = weights.onRow
    }
    job.write(S.self, count, own: weights.own, by: weights.ownOnFirst * states[0].scale.scale)
    return RowSums(product: product, squares: squares, firstSquare: states[0].scale.square)
}

extension LinearRows {
    /// Writes the gradient rows, the first with its own vector.
    @inline(__always)
    fileprivate func write<S: ComputeScalar>(_: S.Type, _ count: Int, own: UnsafeRawPointer, by onOwn: Double) {
        states[0].gradient.own = onOwn == 0 ? nil : own
        states[0].gradient.onOwn = onOwn
        writeGradientRows(
            states, count, shared: sum.assumingMemoryBound(to: S.self), rows.pointee.dim,
            pastCaches: pastCaches)
    }
}
#endif
