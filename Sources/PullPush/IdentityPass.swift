import CVectors
import KernelInterface

/// A multiple of a vector of columns.
private struct Multiple {
    var vector: UnsafeRawPointer
    var weight: Double
}

/// `GradientCoefficients` for identities of `count` rows.
private struct Weights {
    let count: Int
    let onSum: Double
    let onTotal: Double
    let onRow: Double

    init(_ c: GradientCoefficients, count: Int) {
        let k = Double(count)
        let pulls = count > 1
        self.count = count
        onSum = c.pushOnSum + c.pushOnSumBySquare / (k * k) + (pulls ? c.pullOnSum : 0)
        onTotal = c.totalOnRow + c.totalOnRowByCount / k
        onRow = c.pushOnRow + c.pushOnRowByCount * k + (pulls ? c.pullOnRow + c.pullOnRowByCount * k : 0)
    }
}

/// A pass over identities, with everything that stays the same between rows at hand.
///
/// With `x_a = u f_a` and `g` the gradient with respect to x_a, the gradient with respect to the raw row is
/// `u (g − (x_a·g) projection x_a)`. `g` is `h + own·x_a`, where the vector `h` is shared by the identity's rows, but for
/// rows that have one more vector added.
struct IdentityPass {
    private let job: GradientJob
    private let reader: RowReader
    /// The sum s of the identity's rows.
    private let sum: UnsafeMutableRawPointer
    /// h of the identity, where that is no multiple of s.
    private let shared: UnsafeMutableRawPointer
    /// h and the row's own vector.
    private let withOwn: UnsafeMutableRawPointer
    /// A gradient row on its way to the caller, and room for another row.
    private let gradientSlot: UnsafeMutableRawPointer
    private let otherSlot: UnsafeMutableRawPointer
    /// From one row of the gradient to the next.
    private let gradientBytes: Int
    private let normalizes: Bool
    /// The square of a smaller unit would lose digits.
    private let smallestUnit: Double
    /// Whether gradient rows are written past the caches, as they are too many to be found there by whoever reads them.
    private let streams: Bool
    /// Whether gradient rows are written where they belong.
    private let writesDirectly: Bool

    /// Bytes of scratch.
    static func scratchSize(_ rows: Rows) -> Int {
        5 &* rows.element.padded(rows.dim) &* rows.element.computeSize &+ RowReader.scratchSize(rows)
    }

    init(_ job: GradientJob, _ kernels: Kernels, scratch: UnsafeMutableRawPointer) {
        let rows = job.rows
        let size = rows.element.padded(rows.dim) &* rows.element.computeSize
        self.job = job
        sum = scratch
        shared = sum + size
        withOwn = shared + size
        gradientSlot = withOwn + size
        otherSlot = gradientSlot + size
        reader = RowReader(job.groupedRows, kernels, scratch: otherSlot + size)
        gradientBytes = job.gradientStride &* rows.element.size
        normalizes = rows.normalization != .none
        smallestUnit = rows.element.computesInDouble ? 0x1p-400 : 0x1p-50
        streams = job.streams
        writesDirectly = rows.isDirect && !job.accumulate && !streams
    }

    /// The sums of the grouped rows `range`, beginning in identity `number`, and their gradient. An identity's sums are
    /// counted with its first row.
    @inline(never)
    func run(_ firstIdentity: Int, _ range: Range<Int>) -> IdentitySums {
        if job.isOfUnitRows && writesDirectly, let sums = sweep(range) { return sums }
        var sums = IdentitySums()
        var weights = Weights(job.coefficients, count: job.rows.largestIdentity)
        var number = firstIdentity
        var next = range.lowerBound
        while next < range.upperBound {
            let identity = job.rows.identity(number)
            let end = min(identity.start &+ identity.count, range.upperBound)
            if weights.count != identity.count { weights = Weights(job.coefficients, count: identity.count) }
            let range = next &- identity.start..<end &- identity.start
            let rowSums = sumRows(identity)
            if range.lowerBound == 0 { add(rowSums, count: identity.count, to: &sums) }
            if job.gradient != nil { writeGradients(number, identity, range, weights) }
            next = end
            number &+= 1
        }
        // Lets other threads see what was written past the caches.
        if streams { cvectors_fence() }
        return sums
    }

    /// The rows `range` of whole identities in one sweep, or nil if there is no such loop or a sum overflows in it.
    private func sweep(_ range: Range<Int>) -> IdentitySums? {
        let rows = job.rows
        let size = rows.element.size
        guard let gradient = job.gradient else { return nil }
        let identities = range.count / rows.samplesPerId
        let weights = Weights(job.coefficients, count: rows.samplesPerId)
        let found = reader.kernels.sumAndWrite(
            UnitRows(
                features: rows.features + range.lowerBound &* rows.stride &* size,
                gradient: gradient + range.lowerBound &* gradientBytes, stride: rows.stride,
                gradientStride: job.gradientStride, columns: reader.columns, identities: identities,
                samplesPerId: rows.samplesPerId, onSum: weights.onSum, total: job.total,
                totalOnFirst: job.coefficients.totalOnFirst))
        guard let found, (found.firstSquares + found.otherSquares).isFinite else { return nil }
        var sums = IdentitySums()
        if rows.samplesPerId > 1 {
            sums.positive = found.product - found.firstSquares - found.otherSquares
            sums.pull = Double(identities &* rows.samplesPerId &* rows.samplesPerId) - found.product
        }
        sums.excluded = found.firstSquares
        sums.pointSquares = found.firstSquares
        sums.weightedPointSquares = found.firstSquares
        return sums
    }

    // MARK: Sums

    /// Makes the identity's rows the rows at hand, and sums them.
    @inline(never)
    private func sumRows(_ identity: Identity) -> RowSums {
        let count = identity.count
        for a in 0..<count { reader.load(identity.row(a), at: a) }
        if normalizes {
            let squares = measureRows(count)
            return RowSums(product: reader.sumScaled(count, into: sum), squares: squares)
        }
        var rows = reader.kernels.sum(reader.states, count, into: sum, count: reader.columns)
        // Where the sum of all squares overflows, those of the rows need not.
        if !rows.squares.isFinite { rows.squares = measureRows(count) }
        return rows
    }

    /// Measures all rows and returns `Σ ‖x_a‖²`.
    private func measureRows(_ count: Int) -> Double {
        var squares = 0.0
        for a in 0..<count { squares += reader.measure(a).square }
        return squares
    }

    @inline(never)
    private func add(_ rows: RowSums, count: Int, to sums: inout IdentitySums) {
        let k = Double(count)
        if count > 1 {
            sums.positive += rows.product - rows.squares
            var squares = rows.squares
            // Σ ‖x_a − s/K‖², which cancels where the rows are close to each other.
            var spread = squares - rows.product / k
            if job.centred && !(spread > 0.1 * squares) {
                squares = normalizes ? squares : measureRows(count)
                spread = sumOfDistances(count)
            }
            switch job.pullForm {
            case .withSelfPairs:
                sums.pull += job.centred ? k * (k - squares) + k * spread : k * k - rows.product
            case .withoutSelfPairs:
                sums.pull += (k - 1) * (k - squares) + k * spread
            case .squaredEuclidean:
                sums.pull += 2 * k * spread
            }
        }
        switch job.points {
        case .representatives:
            let square = (normalizes ? reader.states[0].scale : reader.measure(0)).square
            sums.excluded += square
            sums.pointSquares += square
            sums.weightedPointSquares += square
        case .centroids:
            let square = rows.product / (k * k)
            sums.excluded += square
            sums.pointSquares += square
            sums.weightedPointSquares += square
        case .all:
            sums.excluded += rows.product
            sums.pointSquares += rows.squares
            sums.weightedPointSquares += k * rows.squares
        }
    }

    private func sumOfDistances(_ count: Int) -> Double {
        var result = 0.0
        for a in 0..<count {
            let state = reader.states[a]
            result += reader.kernels.squaredDistance(
                state.features, by: state.scale.scale, sum, by: 1 / Double(count), count: reader.columns)
        }
        return result
    }

    // MARK: Gradients

    @inline(never)
    private func writeGradients(_ number: Int, _ identity: Identity, _ range: Range<Int>, _ weights: Weights) {
        guard let gradient = job.gradient else { return }
        let shared = sharedVector(number, weights)
        for a in range {
            let caller = gradient + identity.row(a) &* gradientBytes
            write(
                a, shared, ownVector(number, identity, a), weights, writesDirectly ? caller : gradientSlot)
            if !writesDirectly { deliver(caller) }
        }
    }

    /// The gradient with respect to normalised rows, but for multiples of rows themselves and vectors of their own.
    private func sharedVector(_ number: Int, _ weights: Weights) -> Multiple {
        if let gradients = job.pointGradients, job.points == .centroids {
            return combine(
                Multiple(vector: sum, weight: weights.onSum),
                Multiple(vector: pointGradient(gradients, number), weight: 1 / Double(weights.count)), into: shared)
        }
        let multiple = Multiple(vector: sum, weight: weights.onSum)
        return weights.onTotal == 0
            ? multiple : combine(multiple, Multiple(vector: job.total, weight: weights.onTotal), into: shared)
    }

    /// What is added to the gradient with respect to row `a` alone.
    private func ownVector(_ number: Int, _ identity: Identity, _ a: Int) -> Multiple? {
        if let gradients = job.pointGradients {
            if job.points == .all || (job.points == .representatives && a == 0) {
                let point = job.points == .all ? identity.start &+ a : number
                return Multiple(vector: pointGradient(gradients, point), weight: 1)
            }
        } else if a == 0 && job.coefficients.totalOnFirst != 0 {
            return Multiple(vector: job.total, weight: job.coefficients.totalOnFirst)
        }
        return nil
    }

    private func pointGradient(_ gradients: PointGradients, _ point: Int) -> UnsafeRawPointer {
        gradients.vectors + (point &- gradients.firstPoint) &* gradients.stride &* job.rows.element.computeSize
    }

    @discardableResult
    private func combine(_ x: Multiple, _ y: Multiple, into target: UnsafeMutableRawPointer) -> Multiple {
        reader.kernels.combine(
            x.vector, by: x.weight, y.vector, by: y.weight, into: target, count: reader.columns)
        return Multiple(vector: target, weight: 1)
    }

    /// Writes the gradient with respect to raw row `a`.
    private func write(
        _ a: Int, _ shared: Multiple, _ own: Multiple?, _ weights: Weights, _ target: UnsafeMutableRawPointer
    ) {
        let state = reader.states[a]
        var onSelf = weights.onRow + (a == 0 ? job.coefficients.firstOnFirst : 0)
        var shared = shared
        if let own {
            let isAll = onSelf == 0 && !normalizes
            shared = combine(shared, own, into: isAll ? target : withOwn)
            if isAll { return }
        }
        var unit = 1.0
        if normalizes {
            unit = state.scale.scale
            if state.scale.projection != 0 {
                let product =
                    shared.vector == UnsafeRawPointer(sum) && reader.hasProducts(weights.count)
                    ? state.alongSum : reader.dot(state.features, shared.vector)
                let along = reader.scaled(product, state.features, shared.vector, scale: unit) * shared.weight
                onSelf -= (along + onSelf * state.scale.square) * state.scale.projection
            }
        }
        shared.weight *= unit
        if onSelf == 0 {
            reader.kernels.scale(shared.vector, by: shared.weight, into: target, count: reader.columns)
            return
        }
        var row = Multiple(vector: state.features, weight: onSelf * unit * unit)
        if unit < smallestUnit {
            reader.kernels.scale(state.features, by: unit, into: otherSlot, count: reader.columns)
            row = Multiple(vector: otherSlot, weight: onSelf * unit)
        }
        combine(shared, row, into: target)
    }

    /// Takes a gradient row from its slot to where the caller wants it.
    @inline(never)
    private func deliver(_ caller: UnsafeMutableRawPointer) {
        let rows = job.rows
        if streams {
            reader.kernels.stream(gradientSlot, into: caller, count: reader.columns)
            return
        }
        var result = gradientSlot
        if job.accumulate {
            widen(caller, rows.element, count: rows.dim, to: otherSlot)
            result = withOwn
            combine(Multiple(vector: gradientSlot, weight: 1), Multiple(vector: otherSlot, weight: 1), into: result)
        }
        narrow(result, count: rows.dim, to: caller, rows.element)
    }
}

extension GradientJob {
    /// Whether it is the original loss on rows that are normalised already, identity after identity.
    fileprivate var isOfUnitRows: Bool {
        let c = coefficients
        // A large gradient may be written past the caches or not, by its alignment: its bits must not tell.
        return !isLarge && rows.offsets == nil && rows.normalization == .none && points == .representatives
            && pullForm == .withSelfPairs && !centred && pointGradients == nil && gradient != nil
            && c.pushOnSum == 0 && c.pushOnRow == 0 && c.totalOnRow == 0 && c.firstOnFirst == 0
    }

    fileprivate var streams: Bool {
        let size = rows.element.size
        let isAligned =
            UInt(bitPattern: gradient) % 16 == 0 && gradientStride &* size % 16 == 0 && rows.dim &* size % 16 == 0
        return isLarge && isAligned && rows.isDirect && !accumulate
    }

    private var isLarge: Bool { rows.count &* rows.dim &* rows.element.size >= 8_000_000 }
}
