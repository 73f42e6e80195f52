import CSystem
import KernelInterface

/// What lasts as long as a call.
struct Call: ~Copyable {
    let loss: PullPushLoss
    var scratch = Scratch()
    private let floatMode: UInt64

    init(_ loss: PullPushLoss) {
        self.loss = loss
        // The caller may flush subnormal numbers to zero; results must not depend on that.
        floatMode = csystem_exchange_float_mode(0)
    }

    deinit { Self.restore(floatMode) }

    // Never inlined: it is called on every path out of a call, of which there are many.
    @inline(never)
    private static func restore(_ floatMode: UInt64) { _ = csystem_exchange_float_mode(floatMode) }
}

/// One call on one batch: checked arguments, grouped rows, kernels, and how the work is cut.
///
/// The work is cut into units by the shape of the batch alone, and what units add up is added in their order, so that
/// the bits of the result do not depend on the number of workers.
struct Evaluation {
    // What a call hands on should be small, for it is copied.
    private let call: UnsafeMutablePointer<Call>
    /// In the call's scratch.
    let groupedRows: UnsafePointer<Rows>
    // Kernels live as long as the process.
    unowned(unsafe) let kernels: Kernels
    let workers: Int
    /// For each worker's pass over rows, one at a time.
    let memory: WorkerMemory

    /// Checks everything that can be wrong with options, batch and target.
    @inline(never)
    init(_ call: UnsafeMutablePointer<Call>, _ batch: Batch, _ target: GradientTarget?) throws(PullPushError) {
        let loss = call.pointee.loss
        try loss.validate()
        try batch.validate()
        try target?.validate(for: batch)
        self.call = call
        groupedRows = try batch.grouped(loss.normalization, &call.pointee.scratch)
        let rows = groupedRows.pointee
        kernels = InstructionSet.current.kernels(for: rows.element)
        workers = Threads.workers(
            loss.numThreads, size: Double(rows.bytes(of: rows.count)) + loss.pairSize(groupedRows))
        let bytes = IdentityPass.scratchSize(groupedRows)
        let start = try call.pointee.scratch.allocate(bytes: sizeProduct(workers, bytes))
        memory = WorkerMemory(start: start, bytes: bytes)
        if loss.checkFinite { try checkFinite() }
    }

    var loss: PullPushLoss { call.pointee.loss }

    var rows: Rows { groupedRows.pointee }

    /// `c (+)= a·b`, see `Product`.
    func multiply(_ product: Product) { InstructionSet.current.multiply(product, rows.element) }

    /// Compute scalars in a vector of dim numbers.
    var width: Int { rows.element.padded(rows.dim) }

    /// Units for a pass over so many rows.
    private func unitCount(_ rowCount: Int, most: Int) -> Int { max(1, min(rows.bytes(of: rowCount) / 131_072, most)) }

    /// Memory until the end of the call.
    func allocate<T>(_ count: Int, of type: T.Type) throws(PullPushError) -> UnsafeMutablePointer<T> {
        try call.pointee.scratch.allocate(count, of: type)
    }

    @inline(never)
    func allocateScalars(_ count: Int) throws(PullPushError) -> UnsafeMutableRawPointer {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: rows.element.computeSize)
        return try call.pointee.scratch.allocate(bytes: overflow ? Int.max : bytes)
    }

    @inline(never)
    func zeroScalars(_ count: Int) throws(PullPushError) -> UnsafeMutableRawPointer {
        let start = try allocateScalars(count)
        rows.element.clear(start, from: 0, to: count)
        return start
    }

    private func checkFinite() throws(PullPushError) {
        let row = RowReader(groupedRows, kernels, scratch: memory[0]).firstNonFinite(0..<rows.count)
        if row >= 0 {
            throw PullPushError(.notFinite, "features", .badRow(row), expected: "finite numbers")
        }
    }

    // MARK: Passes over the features

    /// The sum of all pushed points, in double, `width` long.
    @inline(never)
    func sumOfPoints() throws(PullPushError) -> UnsafeMutablePointer<Double> {
        let points = loss.points
        let count = rows.pointCount(points)
        let units = min(count, unitCount(points == .representatives ? count : rows.count, most: 32))
        let sums = try zeros(units &* width)
        if units == 1 {
            addPoints(0..<count, to: sums, scratch: memory[0])
        } else {
            ThreadPool.run(
                units, workers: workers, PointsWork(evaluation: self, units: units, count: count, sums: sums))
            let doubles = InstructionSet.current.kernels(for: .float64)
            for unit in 1..<units {
                doubles.combine(sums, by: 1, sums + unit &* width, by: 1, into: sums, count: width)
            }
        }
        return sums
    }

    /// Adds the pushed points `range` to a vector of `width` doubles.
    @inline(never)
    fileprivate func addPoints(
        _ range: Range<Int>, to total: UnsafeMutablePointer<Double>, scratch: UnsafeMutableRawPointer
    ) {
        let next = range.lowerBound &+ kernels.addPoints(loss.points, groupedRows, range, to: total)
        if next == range.upperBound { return }
        RowReader(groupedRows, kernels, scratch: scratch).addPoints(loss.points, next..<range.upperBound, to: total)
    }

    /// The identities' sums and, if the job has one, the closed-form part of their gradient.
    @inline(never)
    func sumIdentities(_ job: UnsafePointer<GradientJob>) throws(PullPushError) -> IdentitySums {
        let units = unitCount(rows.count, most: min(256, rows.identityCount))
        if units == 1 {
            return GradientJob.run(job, 0..<rows.identityCount, 0..<rows.count, kernels, scratch: memory[0])
        }
        let partial = try allocate(units, of: IdentitySums.self)
        ThreadPool.run(
            units, workers: workers, IdentitiesWork(evaluation: self, job: job, units: units, sums: partial))
        var sums = IdentitySums()
        for unit in 0..<units { sums += partial[unit] }
        return sums
    }

    /// - Parameter total: the sum of all pushed points in compute scalars
    @inline(never)
    func gradientJob(
        _ target: GradientTarget?, _ counts: PairCounts, _ total: UnsafeRawPointer, wantsMeans: Bool
    ) throws(PullPushError) -> UnsafePointer<GradientJob> {
        let job = try allocate(1, of: GradientJob.self)
        job.initialize(
            to: GradientJob(
                groupedRows: groupedRows, gradient: target?.start,
                gradientBytes: (target?.rowStride ?? 0) &* rows.element.size,
                coefficients: loss.coefficients(counts, upstream: target?.upstream ?? 0), total: total,
                points: loss.points, pullForm: loss.pullForm, centred: loss.centred, wantsMeans: wantsMeans,
                accumulate: target?.accumulate ?? false, isWide: InstructionSet.current == .x86v4))
        return UnsafePointer(job)
    }

    @inline(never)
    func zeros(_ count: Int) throws(PullPushError) -> UnsafeMutablePointer<Double> {
        let result = try allocate(count, of: Double.self)
        result.initialize(repeating: 0, count: count)
        return result
    }

    /// A vector of doubles as compute scalars, and its squared norm.
    @inline(never)
    func narrowed(
        _ doubles: UnsafePointer<Double>, _ count: Int
    ) throws(PullPushError) -> (vector: UnsafeRawPointer, square: Double) {
        let padded = rows.element.padded(count)
        let result = try allocateScalars(padded)
        let square = kernels.narrow(doubles, to: result, count: count)
        rows.element.clear(result, from: count, to: padded)
        return (UnsafeRawPointer(result), square)
    }
}

/// Scratch memory, a piece for each worker.
struct WorkerMemory {
    let start: UnsafeMutableRawPointer
    let bytes: Int

    subscript(_ worker: Int) -> UnsafeMutableRawPointer { start + worker &* bytes }
}

/// `sumOfPoints` in units.
private struct PointsWork: UnitWork {
    let evaluation: Evaluation
    let units: Int
    let count: Int
    let sums: UnsafeMutablePointer<Double>

    @inline(never)
    func run(_ worker: Int, _ unit: Int) {
        evaluation.addPoints(
            part(unit, of: units, count), to: sums + unit &* evaluation.width, scratch: evaluation.memory[worker])
    }
}

/// `sumIdentities` in units.
private struct IdentitiesWork: UnitWork {
    let evaluation: Evaluation
    let job: UnsafePointer<GradientJob>
    let units: Int
    let sums: UnsafeMutablePointer<IdentitySums>

    @inline(never)
    func run(_ worker: Int, _ unit: Int) {
        let rows = evaluation.rows
        let identities = part(unit, of: units, rows.identityCount)
        sums[unit] = GradientJob.run(
            job, identities, rows.rowsOf(identities), evaluation.kernels, scratch: evaluation.memory[worker])
    }
}

/// A part of 0 ..< count.
private func part(_ unit: Int, of units: Int, _ count: Int) -> Range<Int> {
    count &* unit / units..<count &* (unit &+ 1) / units
}

extension Rows {
    /// How many vectors are pushed apart.
    func pointCount(_ pushed: PushPoints) -> Int { pushed == .all ? count : identityCount }

    /// The identities of some grouped rows.
    func identitiesOf(_ rows: Range<Int>) -> Range<Int> {
        identityOfRow(rows.lowerBound)..<identityOfRow(rows.upperBound &- 1) &+ 1
    }

    /// The grouped rows of some identities.
    func rowsOf(_ identities: Range<Int>) -> Range<Int> {
        let last = identity(identities.upperBound - 1)
        return identity(identities.lowerBound).start..<last.start + last.count
    }
}

extension PullPushLoss {
    /// Bytes of features that take as long as the pairs of the push.
    fileprivate func pairSize(_ rows: UnsafePointer<Rows>) -> Double {
        if push == .linear { return 0 }
        let rows = rows.pointee
        let points = Double(rows.pointCount(points))
        let dim = Double(rows.dim)
        let partners = if case .squared = push { min(points, dim) } else { points }
        return points * dim * partners / 8
    }

    /// Loss and, with a target, gradient of one whole batch.
    ///
    /// - Parameter wantsMeans: without, the result's mean inner products are nothing to go by
    package func evaluate(
        _ batch: Batch, _ target: GradientTarget?, wantsMeans: Bool = true
    ) throws(PullPushError) -> LossResult {
        var call = Call(self)
        return try withUnsafeMutablePointer(to: &call) { (call) throws(PullPushError) in
            try evaluate(try Evaluation(call, batch, target), target, wantsMeans)
        }
    }

    @inline(__always)
    private func evaluate(
        _ evaluation: Evaluation, _ target: GradientTarget?, _ wantsMeans: Bool
    ) throws(PullPushError) -> LossResult {
        var totals = Totals(counts: PairCounts(evaluation.groupedRows, between: points))
        let total = try evaluation.narrowed(try evaluation.sumOfPoints(), evaluation.width)
        totals.totalSquare = total.square
        let job = try evaluation.gradientJob(
            target, totals.counts, total.vector, wantsMeans: wantsMeans)
        guard let function = evaluation.pairFunction, totals.counts.negative > 0 else {
            totals.sums = try evaluation.sumIdentities(job)
            return totals.result(self)
        }
        let points = try evaluation.packedPoints()
        let gradient = PushGradient(
            job: job, slope: (target?.upstream ?? 1) * pushWeight, pairs: totals.counts.negative)
        if case .squared(let goal) = push, points.count > evaluation.rows.dim {
            let moments = try evaluation.zeros(evaluation.rows.dim &* evaluation.rows.dim)
            try evaluation.addSecondMoments(of: points, to: moments)
            let narrow = try evaluation.narrowed(moments: moments)
            let own: PairSums
            (own, totals.sums) = try evaluation.pairwise(function, points, gradient, moments: narrow.matrix)
            totals.pairs.value = totals.squaredPush(target: goal, moments: narrow.square, ownPairs: own.value)
            return totals.result(self)
        }
        (totals.pairs, totals.sums) = try evaluation.pairwise(function, points, gradient)
        return totals.result(self)
    }
}
