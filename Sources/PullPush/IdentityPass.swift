import KernelInterface

/// A multiple of a vector of columns.
private struct Multiple {
    var vector: UnsafeRawPointer
    var weight: Double
}

/// `GradientCoefficients` for identities of `count` rows.
private struct Weights {
    var count = 0
    var onSum = 0.0
    var onTotal = 0.0
    var onRow = 0.0

    /// For no rows.
    init() {}

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
/// `u (g − (x_a·g) projection x_a)`. `g` is `h + v + onSelf·x_a`, where the vector `h` is shared by the identity's rows,
/// and only some rows have a vector `v` of their own.
struct IdentityPass {
    private let jobInScratch: UnsafePointer<GradientJob>
    private let reader: RowReader
    /// The sum s of the identity's rows.
    private let sum: UnsafeMutableRawPointer
    /// h of the identity, where that is no multiple of s.
    private let shared: UnsafeMutableRawPointer
    /// A gradient row on its way to the caller, room for another row, and for the sum of both.
    private let gradientSlot: UnsafeMutableRawPointer
    private let otherSlot: UnsafeMutableRawPointer
    private let sumSlot: UnsafeMutableRawPointer
    private let normalizes: Bool
    /// The square of a smaller unit would lose digits.
    private let smallestUnit: Double

    /// Of the size of a row, in scratch: those above.
    private static var vectorCount: Int { 5 }

    /// Bytes of scratch.
    static func scratchSize(_ rows: UnsafePointer<Rows>) -> Int {
        let element = rows.pointee.element
        return sizeProduct(vectorCount &* element.computeSize, element.padded(rows.pointee.dim))
            &+ RowReader.scratchSize(rows)
    }

    private static func vectorBytes(_ rows: Rows) -> Int { rows.element.padded(rows.dim) &* rows.element.computeSize }

    /// What of the scratch `Kernels.writeLinear` uses.
    static func linearSpace(_ rows: Rows, _ scratch: UnsafeMutableRawPointer) -> LinearSpace {
        let products = scratch + vectorCount &* vectorBytes(rows)
        return LinearSpace(states: RowReader.states(rows, products), products: products, sum: scratch)
    }

    private init(_ job: UnsafePointer<GradientJob>, _ kernels: Kernels, _ scratch: UnsafeMutableRawPointer) {
        let rows = job.pointee.rows
        let size = Self.vectorBytes(rows)
        jobInScratch = job
        sum = scratch
        shared = sum + size
        gradientSlot = shared + size
        otherSlot = gradientSlot + size
        sumSlot = otherSlot + size
        reader = RowReader(job.pointee.groupedRows, kernels, scratch: sumSlot + size)
        normalizes = rows.normalization != .none
        smallestUnit = rows.element.computesInDouble ? 0x1p-400 : 0x1p-50
    }

    private var job: GradientJob { jobInScratch.pointee }

    /// Does a job for grouped rows; see `GradientJob.run`.
    @inline(never)
    static func run(
        _ job: UnsafePointer<GradientJob>, _ identities: Range<Int>, _ range: Range<Int>, _ kernels: Kernels,
        scratch: UnsafeMutableRawPointer, _ sums: inout IdentitySums
    ) {
        IdentityPass(job, kernels, scratch).run(identities, range, &sums)
    }

    /// The rows that come first in the range, or last, may be a part of their identity.
    private func run(_ identities: Range<Int>, _ range: Range<Int>, _ sums: inout IdentitySums) {
        var weights = Weights()
        var next = range.lowerBound
        for number in identities {
            let identity = job.rows.identity(number)
            let end = min(identity.start &+ identity.count, range.upperBound)
            if weights.count != identity.count { weights = Weights(job.coefficients, count: identity.count) }
            let range = next &- identity.start..<end &- identity.start
            let rowSums = sumRows(identity)
            if range.lowerBound == 0 { add(rowSums, count: identity.count, to: &sums) }
            if job.gradient != nil { writeGradients(number, identity, range, weights) }
            next = end
        }
    }

    // MARK: Sums

    /// Makes the identity's rows the rows at hand, and sums them.
    @inline(never)
    private func sumRows(_ identity: Identity) -> RowSums {
        let count = identity.count
        for a in 0..<count { reader.load(identity.row(a), at: a) }
        // Many rows are weighed, by 1, for that sum is taken in double.
        if normalizes || !reader.hasProducts(count) {
            let squares = reader.measure(count)
            return RowSums(
                product: reader.sumScaled(count, into: sum), squares: squares,
                firstSquare: reader.states[0].scale.square)
        }
        var rows = reader.kernels.sum(reader.states, count, into: sum, count: reader.columns)
        // Where a sum of squares in the compute type overflows, those of the rows need not.
        if !rows.squares.isFinite { measureAgain(count, &rows) }
        if !rows.product.isFinite { rows.product = reader.scaledDot(sum, sum, 1, 1) }
        return rows
    }

    private func measureAgain(_ count: Int, _ rows: inout RowSums) {
        rows.squares = reader.measure(count)
        rows.firstSquare = reader.states[0].scale.square
    }

    @inline(never)
    private func add(_ rows: RowSums, count: Int, to sums: inout IdentitySums) {
        let k = Double(count)
        if count > 1 {
            sums.positive += rows.product - rows.squares
            // Σ ‖x_a − s/K‖², which cancels where the rows are close to each other.
            var spread = rows.squares - rows.product / k
            var rows = rows
            if job.centred && !(spread > 0.1 * rows.squares) {
                if !normalizes { measureAgain(count, &rows) }
                spread = sumOfDistances(count)
            }
            switch job.pullForm {
            case .withSelfPairs:
                sums.pull += job.centred ? k * (k - rows.squares) + k * spread : k * k - rows.product
            case .withoutSelfPairs:
                sums.pull += (k - 1) * (k - rows.squares) + k * spread
            case .squaredEuclidean:
                sums.pull += 2 * k * spread
            }
        }
        switch job.points {
        case .representatives:
            sums.excluded += rows.firstSquare
            sums.pointSquares += rows.firstSquare
            sums.weightedPointSquares += rows.firstSquare
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

    /// `Σ ‖x_a − s/K‖²`
    private func sumOfDistances(_ count: Int) -> Double {
        let result = sumOfDistances(count, by: 1)
        // Squares may be too large for the compute type.
        return result.isFinite ? result : sumOfDistances(count, by: reader.down) / reader.down / reader.down
    }

    private func sumOfDistances(_ count: Int, by scale: Double) -> Double {
        var result = 0.0
        for a in 0..<count {
            let state = reader.states[a]
            result += reader.kernels.squaredDistance(
                state.features, by: state.scale.scale * scale, sum, by: scale / Double(count), count: reader.columns)
        }
        return result
    }

    // MARK: Gradients

    @inline(never)
    private func writeGradients(_ number: Int, _ identity: Identity, _ range: Range<Int>, _ weights: Weights) {
        guard let gradient = job.gradient else { return }
        let shared = sharedVector(number, weights)
        let hasProducts = shared.vector == UnsafeRawPointer(sum) && reader.hasProducts(weights.count)
        // Rows before this one are written.
        var next = range.lowerBound
        for a in range {
            let caller = gradient + identity.row(a) &* job.gradientBytes
            let isOrdinary = prepare(
                a, shared, ownVector(number, identity, a), weights, job.writesDirectly ? caller : gradientSlot,
                hasProduct: hasProducts)
            if isOrdinary && job.writesDirectly && a &+ 1 < range.upperBound { continue }
            // Such a row takes a slot that the next may need.
            reader.kernels.writeGradients(
                reader.states + next, a &+ 1 &- next, shared: shared.vector, count: reader.columns,
                pastCaches: job.pastCaches)
            next = a &+ 1
            if !job.writesDirectly { deliver(caller) }
        }
    }

    /// The gradient with respect to normalised rows, but for multiples of rows themselves and vectors of their own.
    private func sharedVector(_ number: Int, _ weights: Weights) -> Multiple {
        if let gradients = job.pointGradients, job.points == .centroids {
            return combine(
                Multiple(vector: sum, weight: weights.onSum),
                Multiple(vector: pointGradient(gradients, number), weight: gradients.weight / Double(weights.count)),
                into: shared)
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
                return Multiple(vector: pointGradient(gradients, point), weight: gradients.weight)
            }
        } else if a == 0 && job.coefficients.totalOnFirst != 0 {
            return Multiple(vector: job.total, weight: job.coefficients.totalOnFirst)
        }
        return nil
    }

    private func pointGradient(_ gradients: PointGradients, _ point: Int) -> UnsafeRawPointer {
        gradients.vectors + (point &- gradients.firstPoint) &* gradients.stride &* job.rows.element.computeSize
    }

    private func combine(_ x: Multiple, _ y: Multiple, into target: UnsafeMutableRawPointer) -> Multiple {
        reader.kernels.combine(
            x.vector, by: x.weight, y.vector, by: y.weight, into: target, count: reader.columns)
        return Multiple(vector: target, weight: 1)
    }

    /// Finds what the gradient with respect to raw row `a` is made of. False if the row takes the slot.
    @inline(__always)
    private func prepare(
        _ a: Int, _ shared: Multiple, _ own: Multiple?, _ weights: Weights, _ target: UnsafeMutableRawPointer,
        hasProduct: Bool
    ) -> Bool {
        let state = reader.states + a
        var onSelf = weights.onRow + (a == 0 ? job.coefficients.firstOnFirst : 0)
        var unit = 1.0
        if normalizes {
            unit = state.pointee.scale.scale
            let projection = state.pointee.scale.projection
            if projection != 0 {
                let product = hasProduct ? state.pointee.alongSum : reader.dot(state.pointee.features, shared.vector)
                var along = scaled(product, a, shared)
                if let own { along += scaled(reader.dot(state.pointee.features, own.vector), a, own) }
                onSelf -= (along + onSelf * state.pointee.scale.square) * projection
            }
        }
        state.pointee.gradient = RowGradient(
            target: target, onShared: shared.weight * unit, onRow: onSelf * unit * unit, own: own?.vector,
            onOwn: (own?.weight ?? 0) * unit)
        if unit < smallestUnit {
            reader.kernels.scale(state.pointee.features, by: unit, into: otherSlot, count: reader.columns)
            state.pointee.features = UnsafeRawPointer(otherSlot)
            state.pointee.gradient.onRow = onSelf * unit
            return false
        }
        return true
    }

    /// The product of a normalised row and a multiple of a vector.
    ///
    /// - Parameter product: of raw row and vector, in the compute type
    @inline(__always)
    private func scaled(_ product: Double, _ a: Int, _ vector: Multiple) -> Double {
        let state = reader.states[a]
        return reader.scaled(product, state.features, vector.vector, scale: state.scale.scale) * vector.weight
    }

    /// Takes a gradient row from its slot to where the caller wants it.
    @inline(never)
    private func deliver(_ caller: UnsafeMutableRawPointer) {
        let rows = job.rows
        var result = gradientSlot
        if job.accumulate {
            widen(caller, rows.element, count: rows.dim, to: otherSlot)
            result = sumSlot
            _ = combine(Multiple(vector: gradientSlot, weight: 1), Multiple(vector: otherSlot, weight: 1), into: result)
        }
        narrow(result, count: rows.dim, to: caller, rows.element)
    }
}
