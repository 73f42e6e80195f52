#if PULLPUSH_FMA
import KernelInterface

/// See `Kernels.writeLinear`.
@inline(__always)
func writeLinearRows<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ identities: Range<Int>, oneByOne: Bool
) -> LinearSums {
    var sums = LinearSums()
    var weights = LinearWeights(job, count: 4)
    var fours = !job.isLarge && canWriteFours(job, weights, oneByOne: oneByOne) ? weights : nil
    var number = identities.lowerBound
    let end = identities.upperBound
    while number < end {
        if let weights = fours {
            if let next = writeFours(S.self, job, weights, number, end, &sums) {
                // The next has another number of rows, or is exceptional.
                if next == end || job.rows.pointee.identity(next).count == 4 { break }
                number = next
            } else {
                fours = nil
            }
        }
        let identity = job.rows.pointee.identity(number)
        if identity.count != weights.count { weights = LinearWeights(job, count: identity.count) }
        for a in 0..<weights.count {
            let row = identity.row(a)
            job.space.states[a].features = job.rows.pointee.features + row &* job.featureBytes
            job.space.states[a].gradient.target = job.gradient + row &* job.gradientBytes
            job.space.states[a].gradient.upcoming = nil
        }
        if job.isLarge && number &+ 1 < end { job.fetch(job.rows.pointee.identity(number &+ 1), during: weights.count) }
        let own = job.own(of: number, identity)
        let found = weights.isUnit ? writeUnitRows(S.self, job, weights, own) : writeRawRows(S.self, job, weights, own)
        guard let found, !job.isExceptional(found, count: weights.count) else { break }
        sums.add(found, count: weights.count)
        number &+= 1
    }
    return sums
}

/// Rows that enter neither normalised nor by themselves.
@inline(__always)
private func writeUnitRows<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ own: UnsafeRawPointer
) -> RowSums {
    let count = weights.count
    let sum = job.space.sum.assumingMemoryBound(to: S.self)
    let found = addRows(job.space.states, count, into: sum, job.rows.pointee.dim, hasSquares: job.wantsSquares)
    for a in 0..<count {
        job.space.states[a].gradient.onShared = weights.onSum
        job.space.states[a].gradient.onRow = 0
        job.space.states[a].gradient.own = nil
    }
    job.write(S.self, count, own: own, by: weights.ownOnFirst)
    return found
}

/// Rows that are normalised, or enter their gradient themselves; nil if one of them is exceptional.
@inline(__always)
private func writeRawRows<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ own: UnsafeRawPointer
) -> RowSums? {
    let count = weights.count
    let states = job.space.states
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
        states, count, into: job.space.sum.assumingMemoryBound(to: S.self), dim,
        products: job.space.products.assumingMemoryBound(to: S.self))
    // Rows that stay as they are do not need it, and theirs may be infinite.
    var ownPart = 0.0
    if normalization != .none {
        let first = states[0].features.assumingMemoryBound(to: S.self)
        ownPart = weights.ownOnFirst * dotProduct(first, own.assumingMemoryBound(to: S.self), dim)
    }
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
    job.write(S.self, count, own: own, by: weights.ownOnFirst * states[0].scale.scale)
    return RowSums(product: product, squares: squares, firstSquare: states[0].scale.square)
}

extension LinearRows {
    /// Memory has time for the next identity's rows while the gradient of `count` rows is written. More than fits into the
    /// second-level cache would be fetched in vain.
    @inline(__always)
    fileprivate func fetch(_ next: Identity, during count: Int) {
        guard (next.count &+ count) &* featureBytes <= 524_288 else { return }
        for a in 0..<min(next.count, count) {
            space.states[a].gradient.upcoming = rows.pointee.features + next.row(a) &* featureBytes
        }
    }

    /// Writes the gradient rows, the first with its own vector.
    @inline(__always)
    fileprivate func write<S: ComputeScalar>(_: S.Type, _ count: Int, own: UnsafeRawPointer, by onOwn: Double) {
        space.states[0].gradient.own = onOwn == 0 ? nil : own
        space.states[0].gradient.onOwn = onOwn
        writeGradientRows(
            space.states, count, shared: space.sum.assumingMemoryBound(to: S.self), rows.pointee.dim,
            pastCaches: job.pointee.pastCaches)
    }
}
#endif
