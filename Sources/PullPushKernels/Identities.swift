import CVectors
import KernelInterface

/// One row of the identity at hand.
private struct RowState<S: ComputeScalar> {
    var features: UnsafePointer<S>
    /// Where its gradient goes, if that is not staged.
    var gradient: UnsafeMutablePointer<S>?
    var scale: RowScale
    /// `scale.scale`, converted once and not for every vector.
    var unit: S
}

/// The pass of `Kernels.addGradients` over identities, with everything that stays the same between rows at hand.
///
/// With `x_a = u f_a` and `g` the gradient with respect to x_a, the gradient with respect to the raw row is
/// `u (g − (x_a·g) projection x_a)`. `g` is `h + own·x_a`, where the vector `h` is shared by the identity's rows, but for
/// rows that have one more vector added.
struct IdentityPass<S: ComputeScalar> {
    typealias Lanes = S.Lanes

    private let job: GradientJob
    private let staging: Staging<S>
    private let total: UnsafePointer<S>
    /// h of the current identity.
    private let shared: UnsafeMutablePointer<S>
    /// h and the row's own vector.
    private let withOwn: UnsafeMutablePointer<S>
    /// Gradient row on its way to the caller, and room for what is there already.
    private let gradientSlot: UnsafeMutablePointer<S>
    private let slots: UnsafeMutablePointer<S>
    private let states: UnsafeMutablePointer<RowState<S>>
    /// Whether `sweep` is all there is to do.
    private let isPlain: Bool
    /// Whether the gradient is written past the caches: it is too large to be found there by whoever reads it next.
    private let streams: Bool
    // The coefficients for the current identity's number of rows.
    private var count = 0
    private var onSum = 0.0
    private var onTotal = 0.0
    private var onRow = 0.0

    /// The scratch is laid out as `gradientScratchSize` says.
    init(_ job: GradientJob, scratch: UnsafeMutableRawPointer) {
        self.job = job
        staging = Staging(job.rows)
        streams = job.streams(S.self)
        isPlain =
            job.rows.isDirect && job.rows.normalization == .none && job.pointGradients == nil && !job.centred
            && !job.accumulate && job.coefficients.isOriginal
        total = job.total.assumingMemoryBound(to: S.self)
        let padded = S.padded(job.rows.dim)
        shared = scratch.assumingMemoryBound(to: S.self)
        withOwn = shared + padded
        gradientSlot = withOwn + padded
        let states = UnsafeMutableRawPointer(gradientSlot + 2 &* job.rows.stagedColumns)
        self.states = states.assumingMemoryBound(to: RowState<S>.self)
        slots = (states + job.rows.largestIdentity &* rowStateSize).assumingMemoryBound(to: S.self)
    }

    @inline(__always)
    private func gradientRow(_ identity: Identity, _ a: Int) -> UnsafeMutablePointer<S>? {
        guard staging.isDirect, let gradient = job.gradient else { return nil }
        return gradient.assumingMemoryBound(to: S.self) + identity.row(a) &* job.gradientStride
    }

    private mutating func setCount(_ newCount: Int) {
        if newCount == count { return }
        count = newCount
        let c = job.coefficients
        let k = Double(count)
        onSum = c.pushOnSum + c.pushOnSumBySquare / (k * k)
        onTotal = c.totalOnRow + c.totalOnRowByCount / k
        onRow = c.pushOnRow + c.pushOnRowByCount * k
        if count > 1 {
            onSum += c.pullOnSum
            onRow += c.pullOnRow + c.pullOnRowByCount * k
        }
    }

    /// Rows `range` of identity `number`; counts its sums when that begins with the first row.
    mutating func run(_ number: Int, _ identity: Identity, _ range: Range<Int>, _ sums: inout IdentitySums) {
        setCount(identity.count)
        for a in 0..<count {
            let slot = slots + a &* job.rows.stagedColumns
            states[a].features = staging.row(identity.row(a), slot: slot)
            states[a].gradient = gradientRow(identity, a)
        }
        #if PULLPUSH_FMA
            // Just where it pays for its code.
            if S.self == Float.self && isPlain {
                sweep(&sums)
                return
            }
        #endif
        var squares = 0.0
        for a in 0..<count {
            states[a].scale = RowScale(states[a].features, columns: staging.columns, job.rows.normalization)
            states[a].unit = S(states[a].scale.scale)
            squares += states[a].scale.square
        }
        let (product, spread) = shareSum(number)
        if range.lowerBound == 0 {
            add(product: product, spread: spread, squares: squares, first: states[0].scale.square, to: &sums)
        }
        if job.gradient == nil { return }
        for a in range { writeGradient(number, identity, a) }
    }

    /// Lets other threads see what was written past the caches.
    func finish() {
        if streams { cvectors_fence() }
    }

    /// - Parameters:
    ///   - product: ‖s‖²
    ///   - spread: `Σ ‖x_a − s/K‖²`, read only if `job.centred`
    ///   - squares: `Σ ‖x_a‖²`
    ///   - first: the squared norm of the first row
    @inline(__always)
    private func add(product: Double, spread: Double, squares: Double, first: Double, to sums: inout IdentitySums) {
        let k = Double(count)
        if count > 1 {
            sums.positive += product - squares
            switch job.pullForm {
            case .withSelfPairs:
                sums.pull += job.centred ? k * (k - squares) + k * spread : k * k - product
            case .withoutSelfPairs:
                sums.pull += (k - 1) * (k - squares) + k * spread
            case .squaredEuclidean:
                sums.pull += 2 * k * spread
            }
        }
        switch job.points {
        case .representatives:
            sums.excluded += first
            sums.pointSquares += first
            sums.weightedPointSquares += first
        case .centroids:
            let square = product / (k * k)
            sums.excluded += square
            sums.pointSquares += square
            sums.weightedPointSquares += square
        case .all:
            sums.excluded += product
            sums.pointSquares += squares
            sums.weightedPointSquares += k * squares
        }
    }

    // MARK: The original loss on normalised rows

    /// Sums and gradient of one identity in one sweep over its columns, where the gradient of all rows but the first is
    /// the same multiple of their sum. This is the original loss on rows that are normalised already.
    @inline(__always)
    private func sweep(_ sums: inout IdentitySums) {
        let onSum = Lanes(repeating: S(self.onSum))
        let totalOnFirst = Lanes(repeating: S(job.coefficients.totalOnFirst))
        var firstSquares = Lanes.zero
        var otherSquares = Lanes.zero
        var product = S.Sums.zero
        forEachColumns(of: staging.columns, S.self) { columns in
            let first = columns.load(states[0].features)
            var sum = first
            var squares = Lanes.zero
            for a in 1..<count {
                let x = columns.load(states[a].features)
                sum += x
                squares = multiplyAdd(x, x, squares)
            }
            firstSquares += columns.unseen(first * first)
            otherSquares += columns.unseen(squares)
            S.addSquares(of: columns.unseen(sum), to: &product)
            guard let target = states[0].gradient else { return }
            let h = sum * onSum
            columns.store(multiplyAdd(columns.load(total), totalOnFirst, h), target, streaming: streams)
            for a in 1..<count { columns.store(h, states[a].gradient.unsafelyUnwrapped, streaming: streams) }
        }
        let first = S.total(firstSquares)
        add(
            product: S.total(product), spread: 0, squares: first + S.total(otherSquares), first: first, to: &sums)
    }

    // MARK: Normalised rows

    /// Writes h of the identity and returns ‖s‖², and the spread of its rows if the job is centred.
    @inline(__always)
    private func shareSum(_ number: Int) -> (product: Double, spread: Double) {
        let onSum = Lanes(repeating: S(self.onSum))
        let onTotal = Lanes(repeating: S(self.onTotal))
        let share = Lanes(repeating: 1 / S(count))
        let readsTotal = self.onTotal != 0
        let centred = job.centred
        var spread = Lanes.zero
        var product = S.Sums.zero
        forEachColumns(of: staging.columns, S.self) { columns in
            var sum = Lanes.zero
            for a in 0..<count { sum = multiplyAdd(columns.load(states[a].features), unit(a), sum) }
            if centred {
                let mean = sum * share
                var squares = Lanes.zero
                for a in 0..<count {
                    let distance = columns.load(states[a].features) * unit(a) - mean
                    squares = multiplyAdd(distance, distance, squares)
                }
                spread += columns.unseen(squares)
            }
            S.addSquares(of: columns.unseen(sum), to: &product)
            var h = sum * onSum
            if readsTotal { h = multiplyAdd(columns.load(total), onTotal, h) }
            columns.store(h, shared)
        }
        if let gradients = job.pointGradients, job.points == .centroids {
            add(gradients.vector(number), weight: 1 / S(count), to: shared)
        }
        return (S.total(product), S.total(spread))
    }

    @inline(__always)
    private func unit(_ a: Int) -> Lanes { Lanes(repeating: states[a].unit) }

    /// Writes `shared + weight · vector`.
    @inline(__always)
    private func add(_ vector: UnsafePointer<S>, weight: S, to result: UnsafeMutablePointer<S>) {
        for offset in stride(from: 0, to: S.padded(job.rows.dim), by: S.laneCount) {
            let h = loadLanes(UnsafePointer(shared + offset))
            storeLanes(multiplyAdd(loadLanes(vector + offset), Lanes(repeating: weight), h), result + offset)
        }
    }

    /// The gradient with respect to normalised row `a`, but for its multiple of the row itself.
    @inline(__always)
    private func gradientVector(_ number: Int, _ identity: Identity, _ a: Int) -> UnsafePointer<S> {
        if let gradients = job.pointGradients {
            if job.points == .all {
                add(gradients.vector(identity.start &+ a), weight: 1, to: withOwn)
                return UnsafePointer(withOwn)
            }
            if job.points == .representatives && a == 0 {
                add(gradients.vector(number), weight: 1, to: withOwn)
                return UnsafePointer(withOwn)
            }
        } else if a == 0 && job.coefficients.totalOnFirst != 0 {
            add(total, weight: S(job.coefficients.totalOnFirst), to: withOwn)
            return UnsafePointer(withOwn)
        }
        return UnsafePointer(shared)
    }

    /// Writes the gradient with respect to raw row `a`.
    @inline(__always)
    private func writeGradient(_ number: Int, _ identity: Identity, _ a: Int) {
        let vector = gradientVector(number, identity, a)
        let row = states[a].features
        let scale = states[a].scale
        let unit = self.unit(a)
        var onSelf = onRow + (a == 0 ? job.coefficients.firstOnFirst : 0)
        if scale.projection != 0 {
            let along = dot(row, vector, columns: staging.columns, scale: scale.scale)
            onSelf -= (along + onSelf * scale.square) * scale.projection
        }
        let selfWeight = Lanes(repeating: S(onSelf))
        let direct = states[a].gradient ?? gradientSlot
        let accumulate = job.accumulate && staging.isDirect
        forEachColumns(of: staging.columns, S.self) { columns in
            var g = multiplyAdd(columns.load(row) * unit, selfWeight, columns.load(vector)) * unit
            if accumulate { g = columns.load(UnsafePointer(direct)) + columns.unseen(g) }
            columns.store(g, direct, streaming: streams)
        }
        if states[a].gradient == nil, let gradient = job.gradient {
            let target = gradient + identity.row(a) &* job.gradientStride &* job.rows.element.size
            staging.unstage(gradientSlot, to: target, accumulate: job.accumulate)
        }
    }
}

extension GradientJob {
    fileprivate func streams<S: ComputeScalar>(_: S.Type) -> Bool {
        let size = MemoryLayout<S>.size
        let isAligned =
            UInt(bitPattern: gradient) % 16 == 0 && gradientStride &* size % 16 == 0
            && rows.dim &* size % 16 == 0
        return isAligned && rows.isDirect && !accumulate && rows.count &* rows.dim &* size >= 8_000_000
    }
}

extension PointGradients {
    @inline(__always)
    fileprivate func vector<S: ComputeScalar>(_ point: Int) -> UnsafePointer<S> {
        vectors.assumingMemoryBound(to: S.self) + (point &- firstPoint) &* stride
    }
}

/// See `Kernels.addGradients`.
@inline(__always)
func runIdentities<S: ComputeScalar>(
    _: S.Type, _ job: GradientJob, _ firstIdentity: Int, _ range: Range<Int>, _ scratch: UnsafeMutableRawPointer
) -> IdentitySums {
    var pass = IdentityPass<S>(job, scratch: scratch)
    var sums = IdentitySums()
    var number = firstIdentity
    var next = range.lowerBound
    while next < range.upperBound {
        let identity = job.rows.identity(number)
        let end = min(identity.start &+ identity.count, range.upperBound)
        pass.run(number, identity, next &- identity.start..<end &- identity.start, &sums)
        next = end
        number &+= 1
    }
    pass.finish()
    return sums
}
