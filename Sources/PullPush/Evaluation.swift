import CSystem
import KernelInterface

/// One call on one batch: checked arguments, grouped rows, kernels, and how the work is cut.
///
/// The work is cut into units by the shape of the batch alone, and what units add up is added in their order, so that
/// the bits of the result do not depend on the number of workers.
struct Evaluation {
    let loss: PullPushLoss
    /// In `scratch`: what a call hands on should be small, for it is copied.
    let groupedRows: UnsafePointer<Rows>
    // Kernels live as long as the process.
    unowned(unsafe) let kernels: Kernels
    let workers: Int
    /// Memory until the end of the call.
    let scratch: UnsafeMutablePointer<Scratch>
    /// For each worker's pass over rows, one at a time.
    let memory: WorkerMemory

    private init(
        _ loss: PullPushLoss, _ groupedRows: UnsafePointer<Rows>, _ scratch: UnsafeMutablePointer<Scratch>
    ) throws(PullPushError) {
        let rows = groupedRows.pointee
        self.loss = loss
        self.groupedRows = groupedRows
        kernels = InstructionSet.current.kernels(for: rows.element)
        workers = Threads.workers(
            loss.numThreads, size: Double(rows.count &* rows.dim &* rows.element.size) + loss.pairSize(rows))
        self.scratch = scratch
        let bytes = IdentityPass.scratchSize(rows)
        memory = WorkerMemory(start: try scratch.pointee.allocate(bytes: sizeProduct(workers, bytes)), bytes: bytes)
    }

    /// Checks everything that can be wrong with options, batch and target.
    @inline(never)
    static func begin(
        _ loss: PullPushLoss, _ batch: Batch, _ target: GradientTarget?, _ scratch: UnsafeMutablePointer<Scratch>
    ) throws(PullPushError) -> Evaluation {
        try loss.validate()
        try batch.validate()
        try target?.validate(for: batch)
        let rows = try scratch.pointee.allocate(1, of: Rows.self)
        rows.initialize(to: try batch.grouped(loss.normalization, &scratch.pointee))
        let evaluation = try Evaluation(loss, rows, scratch)
        if loss.checkFinite { try evaluation.checkFinite() }
        return evaluation
    }

    var rows: Rows { groupedRows.pointee }

    /// Compute scalars in a vector of dim numbers.
    var width: Int { rows.element.padded(rows.dim) }

    /// Units for a pass over `bytes` of features.
    private func unitCount(bytes: Int, most: Int) -> Int { max(1, min(bytes / 131_072, most)) }

    private var featureBytes: Int { rows.count &* rows.dim &* rows.element.size }

    @inline(never)
    func allocateScalars(_ count: Int) throws(PullPushError) -> UnsafeMutableRawPointer {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: rows.element.computeSize)
        return try scratch.pointee.allocate(bytes: overflow ? Int.max : bytes)
    }

    @inline(never)
    func zeroScalars(_ count: Int) throws(PullPushError) -> UnsafeMutableRawPointer {
        let start = try allocateScalars(count)
        start.initializeMemory(as: UInt8.self, repeating: 0, count: count &* rows.element.computeSize)
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
        let read = points == .representatives ? featureBytes / rows.count &* count : featureBytes
        let units = min(count, unitCount(bytes: read, most: 32))
        let sums = try zeros(units &* width)
        let work = PointsWork(
            groupedRows: groupedRows, kernels: kernels, points: points, units: units, count: count, sums: sums,
            width: width, memory: memory)
        ThreadPool.run(units, workers: workers, work)
        for unit in 1..<units {
            for i in 0..<width { sums[i] += sums[unit &* width &+ i] }
        }
        return sums
    }

    /// The identities' sums and, if the job has one, the closed-form part of their gradient.
    @inline(never)
    func sumIdentities(_ job: UnsafePointer<GradientJob>) throws(PullPushError) -> IdentitySums {
        let units = unitCount(bytes: featureBytes, most: min(256, rows.identityCount))
        let partial = try scratch.pointee.allocate(units, of: IdentitySums.self)
        let work = IdentitiesWork(job: job, kernels: kernels, units: units, sums: partial, memory: memory)
        ThreadPool.run(units, workers: workers, work)
        var sums = IdentitySums()
        for unit in 0..<units { sums += partial[unit] }
        return sums
    }

    /// - Parameter total: the sum of all pushed points in compute scalars
    @inline(never)
    func gradientJob(
        _ target: GradientTarget?, _ coefficients: GradientCoefficients, _ total: UnsafeRawPointer,
        wantsMeans: Bool
    ) throws(PullPushError) -> UnsafePointer<GradientJob> {
        let job = try scratch.pointee.allocate(1, of: GradientJob.self)
        job.initialize(
            to: GradientJob(
                groupedRows: groupedRows, points: loss.points, pullForm: loss.pullForm, centred: loss.centred,
                wantsMeans: wantsMeans, gradient: target?.start,
                gradientStride: target?.rowStride ?? 0, accumulate: target?.accumulate ?? false,
                coefficients: coefficients, total: total))
        return UnsafePointer(job)
    }

    @inline(never)
    func zeros(_ count: Int) throws(PullPushError) -> UnsafeMutablePointer<Double> {
        let result = try scratch.pointee.allocate(count, of: Double.self)
        result.initialize(repeating: 0, count: count)
        return result
    }

    /// A vector of doubles as compute scalars, and its squared norm.
    @inline(never)
    func narrowed(
        _ doubles: UnsafePointer<Double>, _ count: Int
    ) throws(PullPushError) -> (vector: UnsafeRawPointer, square: Double) {
        let result = try zeroScalars(rows.element.padded(count))
        let square = kernels.narrow(doubles, to: result, count: count)
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
    let groupedRows: UnsafePointer<Rows>
    unowned(unsafe) let kernels: Kernels
    let points: PushPoints
    let units: Int
    let count: Int
    let sums: UnsafeMutablePointer<Double>
    let width: Int
    let memory: WorkerMemory

    @inline(never)
    func run(_ worker: Int, _ unit: Int) {
        RowReader(groupedRows, kernels, scratch: memory[worker]).addPoints(
            points, part(unit, of: units, count), to: sums + unit &* width)
    }
}

/// `sumIdentities` in units.
private struct IdentitiesWork: UnitWork {
    let job: UnsafePointer<GradientJob>
    unowned(unsafe) let kernels: Kernels
    let units: Int
    let sums: UnsafeMutablePointer<IdentitySums>
    let memory: WorkerMemory

    @inline(never)
    func run(_ worker: Int, _ unit: Int) {
        let rows = job.pointee.rows
        let identities = part(unit, of: units, rows.identityCount)
        let pass = IdentityPass(job, kernels, scratch: memory[worker])
        sums[unit] = pass.run(identities.lowerBound, rows.rowsOf(identities))
    }
}

/// A part of 0 ..< count.
private func part(_ unit: Int, of units: Int, _ count: Int) -> Range<Int> {
    count &* unit / units..<count &* (unit &+ 1) / units
}

extension Rows {
    /// How many vectors are pushed apart.
    func pointCount(_ pushed: PushPoints) -> Int { pushed == .all ? count : identityCount }

    /// The grouped rows of some identities.
    func rowsOf(_ identities: Range<Int>) -> Range<Int> {
        let last = identity(identities.upperBound - 1)
        return identity(identities.lowerBound).start..<last.start + last.count
    }
}

extension PullPushLoss {
    /// Bytes of features that take as long as the pairs of the push.
    fileprivate func pairSize(_ rows: Rows) -> Double {
        if push == .linear { return 0 }
        let points = Double(rows.pointCount(points))
        let dim = Double(rows.dim)
        let partners = if case .squared = push { min(points, dim) } else { points }
        return points * dim * partners / 8
    }

    /// Runs `body` with the checked arguments and scratch memory that ends with it.
    @inline(never)
    func withEvaluation<R>(
        _ batch: Batch, _ target: GradientTarget?, _ body: (Evaluation) throws(PullPushError) -> R
    ) throws(PullPushError) -> R {
        // The caller may flush subnormal numbers to zero; results must not depend on that.
        let mode = csystem_exchange_float_mode(0)
        defer { _ = csystem_exchange_float_mode(mode) }
        var scratch = Scratch()
        return try withUnsafeMutablePointer(to: &scratch) { (scratch) throws(PullPushError) in
            try body(try Evaluation.begin(self, batch, target, scratch))
        }
    }

    /// Loss and, with a target, gradient of one whole batch.
    ///
    /// - Parameter wantsMeans: without, the result's mean inner products are nothing to go by
    package func evaluate(
        _ batch: Batch, _ target: GradientTarget?, wantsMeans: Bool = true
    ) throws(PullPushError) -> LossResult {
        try withEvaluation(batch, target) { (evaluation) throws(PullPushError) in
            try evaluate(evaluation, target, wantsMeans)
        }
    }

    private func evaluate(
        _ evaluation: Evaluation, _ target: GradientTarget?, _ wantsMeans: Bool
    ) throws(PullPushError) -> LossResult {
        var totals = Totals(counts: PairCounts(evaluation.rows, between: points))
        let total = try evaluation.narrowed(try evaluation.sumOfPoints(), evaluation.width)
        totals.totalSquare = total.square
        let job = try evaluation.gradientJob(
            target, coefficients(totals.counts, upstream: target?.upstream ?? 1), total.vector,
            wantsMeans: wantsMeans)
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
