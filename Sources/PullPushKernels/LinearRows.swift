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

/// What `Kernels.writeLinear` does. The gradient with respect to a normalised row `x_a` of an identity with `K` rows and the
/// sum `s` is
///
///     K ≥ 2:           pullOnSum·s + (pullOnRow + pullOnRowByCount·K)·x_a
///     first row only:  ownOnFirst·v + firstOnFirst·x_a
///
/// with one vector `v` for all identities, or one for each.
struct LinearRows {
    let job: UnsafePointer<GradientJob>
    let space: LinearSpace
    let rows: UnsafePointer<Rows>
    let gradient: UnsafeMutableRawPointer
    /// Bytes from one row to the next.
    let featureBytes: Int
    let gradientBytes: Int
    /// v of identity 0, and bytes from one identity's to the next's.
    private let own: UnsafeRawPointer
    private let ownBytes: Int
    let ownOnFirst: Double

    @inline(__always)
    init(_ job: UnsafePointer<GradientJob>, _ space: LinearSpace) {
        self.job = job
        self.space = space
        rows = job.pointee.groupedRows
        gradient = job.pointee.gradient.unsafelyUnwrapped
        featureBytes = rows.pointee.stride &* rows.pointee.element.size
        gradientBytes = job.pointee.gradientBytes
        if let points = job.pointee.pointGradients {
            ownBytes = points.stride &* rows.pointee.element.computeSize
            own = points.vectors - points.firstPoint &* ownBytes
            ownOnFirst = points.weight
        } else {
            ownBytes = 0
            own = job.pointee.total
            ownOnFirst = job.pointee.coefficients.totalOnFirst
        }
    }

    /// Whether the pull needs the distances of rows that are close to each other.
    @inline(__always)
    var centred: Bool { job.pointee.centred }

    @inline(__always)
    var isLarge: Bool { job.pointee.isLarge }

    /// The vector that an identity's first row has for itself. Without weight it is any vector of finite numbers, for zero
    /// times another is none.
    @inline(__always)
    func own(of number: Int, _ identity: Identity) -> UnsafeRawPointer {
        ownOnFirst == 0 ? rows.pointee.features + identity.row(0) &* featureBytes : own + number &* ownBytes
    }

    /// A raw row with a square between these is neither so small that it is not divided by its norm, nor so large that the
    /// square of its unit loses digits.
    @inline(__always)
    static var tinySquare: Double { 2e-10 }
    @inline(__always)
    static var hugeSquare: Double { 0x1p100 }

    /// A NaN is not.
    @inline(__always)
    static func isOrdinary(rawSquare: Double) -> Bool { rawSquare > tinySquare && rawSquare < hugeSquare }

    /// Whether sums of an identity of so many rows need a closer look than one in the compute type: something overflowed,
    /// or cancels. A NaN does, too.
    @inline(__always)
    func isExceptional(_ sums: RowSums, count: Int) -> Bool {
        let spread = sums.squares - sums.product / Double(count)
        return !(sums.squares < .infinity && sums.product < .infinity)
            || (centred && count > 1 && !(spread > 0.1 * sums.squares))
    }
}

/// The coefficients of `LinearRows` for identities of `count` rows. They are finite, or exceptional.
struct LinearWeights {
    let count: Int
    let onSum: Double
    let onRow: Double
    /// Of the first row, on its own vector and on itself.
    let ownOnFirst: Double
    let onFirst: Double
    /// Whether rows enter neither normalised nor by themselves.
    let isUnit: Bool

    @inline(__always)
    init(_ job: LinearRows, count: Int) {
        let pulls = count > 1
        let c = job.job.pointee.coefficients
        self.count = count
        onSum = pulls ? c.pullOnSum : 0
        onRow = pulls ? c.pullOnRow + c.pullOnRowByCount * Double(count) : 0
        ownOnFirst = job.ownOnFirst
        onFirst = onRow + c.firstOnFirst
        isUnit = job.rows.pointee.normalization == .none && onRow == 0 && onFirst == 0
    }
}

/// Rows that enter neither normalised nor by themselves.
@inline(__always)
private func writeUnitRows<S: ComputeScalar>(
    _: S.Type, _ job: LinearRows, _ weights: LinearWeights, _ own: UnsafeRawPointer
) -> RowSums {
    let count = weights.count
    let sum = job.space.sum.assumingMemoryBound(to: S.self)
    let found = addRows(
        job.space.states, count, into: sum, job.rows.pointee.dim,
        hasSquares: job.centred || job.job.pointee.wantsMeans)
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
