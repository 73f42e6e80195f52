import CSystem
import KernelInterface

/// One call on one batch: checked arguments, grouped rows, kernels, and how the work is cut.
///
/// The work is cut into units by the shape of the batch alone, and what units add up is added in their order, so that
/// the bits of the result do not depend on the number of workers.
struct Evaluation {
    let loss: PullPushLoss
    let rows: Rows
    let kernels: Kernels
    let workers: Int
    /// Memory until the end of the call.
    let scratch: UnsafeMutablePointer<Scratch>

    private init(_ loss: PullPushLoss, _ rows: Rows, _ scratch: UnsafeMutablePointer<Scratch>) {
        self.loss = loss
        self.rows = rows
        kernels = InstructionSet.current.kernels(for: rows.element)
        workers = Threads.workers(loss.numThreads, bytes: rows.count &* rows.dim &* rows.element.size)
        self.scratch = scratch
    }

    /// Checks everything that can be wrong with options, batch and target.
    static func begin(
        _ loss: PullPushLoss, _ batch: Batch, _ target: GradientTarget?, _ scratch: UnsafeMutablePointer<Scratch>
    ) throws(PullPushError) -> Evaluation {
        try loss.validate()
        try batch.validate()
        try target?.validate(for: batch)
        let rows = try batch.grouped(loss.normalization, &scratch.pointee)
        let evaluation = Evaluation(loss, rows, scratch)
        if loss.checkFinite { try evaluation.checkFinite() }
        return evaluation
    }

    /// Compute scalars in a vector of dim numbers.
    var width: Int { rows.element.padded(rows.dim) }

    /// Units for a pass over `bytes` of features.
    private func unitCount(bytes: Int, most: Int) -> Int { max(1, min(bytes / 131_072, most)) }

    private var featureBytes: Int { rows.count &* rows.dim &* rows.element.size }

    @inline(never)
    func allocateScalars(_ count: Int) throws(PullPushError) -> UnsafeMutableRawPointer {
        let (bytes, overflow) = count.multipliedReportingOverflow(by: rows.element.computeSize)
        let start = try scratch.pointee.allocate(bytes: overflow ? Int.max : bytes)
        start.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        return start
    }

    private func checkFinite() throws(PullPushError) {
        let slot = try allocateScalars(rows.stagedColumns)
        let row = kernels.firstNonFinite(rows, 0..<rows.count, slot: slot)
        if row >= 0 {
            throw PullPushError(.notFinite, "features", .badRow(row), expected: "finite numbers")
        }
    }

    // MARK: Passes over the features

    /// The sum of all pushed points, in double, `width` long.
    @inline(never)
    func sumOfPoints() throws(PullPushError) -> UnsafeMutablePointer<Double> {
        let points = loss.points
        let count = points == .all ? rows.count : rows.identityCount
        let read = points == .representatives ? featureBytes / rows.count &* count : featureBytes
        let units = min(count, unitCount(bytes: read, most: 32))
        let sums = try zeros(units &* width)
        let slots = try scratch.pointee.allocate(bytes: workers &* rows.stagedColumns &* rows.element.computeSize)
        ThreadPool.run(units, workers: workers, (self, units, count, sums, slots)) { context, worker, unit in
            let (evaluation, units, count, sums, slots) = context
            let slot = slots + worker &* evaluation.rows.stagedColumns &* evaluation.rows.element.computeSize
            evaluation.kernels.sumPoints(
                evaluation.rows, evaluation.loss.points, part(unit, of: units, count),
                sums + unit &* evaluation.width, slot: slot)
        }
        for unit in 1..<units {
            for i in 0..<width { sums[i] += sums[unit &* width &+ i] }
        }
        return sums
    }

    /// The identities' sums and, if the job has one, the closed-form part of their gradient.
    @inline(never)
    func sumIdentities(_ job: GradientJob) throws(PullPushError) -> IdentitySums {
        let units = unitCount(bytes: featureBytes, most: min(256, rows.identityCount))
        let partial = try scratch.pointee.allocate(units, of: IdentitySums.self)
        let workspace = try scratch.pointee.allocate(bytes: workers &* gradientScratchSize(rows))
        ThreadPool.run(units, workers: workers, (kernels, job, units, partial, workspace)) { context, worker, unit in
            let (kernels, job, units, partial, workspace) = context
            let identities = part(unit, of: units, job.rows.identityCount)
            partial[unit] = kernels.addGradients(
                job, identities.lowerBound, job.rows.rowsOf(identities),
                scratch: workspace + worker &* gradientScratchSize(job.rows))
        }
        var sums = IdentitySums()
        for unit in 0..<units { sums += partial[unit] }
        return sums
    }

    /// - Parameter total: the sum of all pushed points in compute scalars
    @inline(never)
    func gradientJob(
        _ target: GradientTarget?, _ coefficients: GradientCoefficients, _ total: UnsafeRawPointer
    ) -> GradientJob {
        GradientJob(
            rows: rows, points: loss.points, pullForm: loss.pullForm, centred: loss.centred, gradient: target?.start,
            gradientStride: target?.rowStride ?? 0, accumulate: target?.accumulate ?? false,
            coefficients: coefficients, total: total)
    }

    @inline(never)
    func zeros(_ count: Int) throws(PullPushError) -> UnsafeMutablePointer<Double> {
        let result = try scratch.pointee.allocate(count, of: Double.self)
        result.initialize(repeating: 0, count: count)
        return result
    }

    /// A vector of doubles as compute scalars.
    @inline(never)
    func narrowed(_ doubles: UnsafePointer<Double>, _ count: Int) throws(PullPushError) -> UnsafeRawPointer {
        let result = try allocateScalars(rows.element.padded(count))
        kernels.narrow(doubles, to: result, count: count)
        return UnsafeRawPointer(result)
    }

    @inline(never)
    func squaredNorm(_ vector: UnsafePointer<Double>, _ count: Int) -> Double {
        var sum = 0.0
        for i in 0..<count { sum += vector[i] * vector[i] }
        return sum
    }
}

/// A part of 0 ..< count.
private func part(_ unit: Int, of units: Int, _ count: Int) -> Range<Int> {
    count &* unit / units..<count &* (unit &+ 1) / units
}

extension Rows {
    /// The grouped rows of some identities.
    func rowsOf(_ identities: Range<Int>) -> Range<Int> {
        let last = identity(identities.upperBound - 1)
        return identity(identities.lowerBound).start..<last.start + last.count
    }
}

extension PullPushLoss {
    /// What the gradient of a sum over the pairs of the push is multiplied with.
    func pushScale(_ upstream: Double, over pairs: Int) -> Double {
        pairs > 0 ? upstream * pushWeight / Double(pairs) : 0
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
    package func evaluate(_ batch: Batch, _ target: GradientTarget?) throws(PullPushError) -> LossResult {
        try withEvaluation(batch, target) { (evaluation) throws(PullPushError) in try evaluate(evaluation, target) }
    }

    private func evaluate(_ evaluation: Evaluation, _ target: GradientTarget?) throws(PullPushError) -> LossResult {
        var totals = Totals(counts: PairCounts(evaluation.rows, between: points))
        let total = try evaluation.sumOfPoints()
        totals.totalSquare = evaluation.squaredNorm(total, evaluation.width)
        let job = evaluation.gradientJob(
            target, coefficients(totals.counts, upstream: target?.upstream ?? 1),
            try evaluation.narrowed(total, evaluation.width))
        guard let function = evaluation.pairFunction, totals.counts.negative > 0 else {
            totals.sums = try evaluation.sumIdentities(job)
            return totals.result(self)
        }
        var gradient = PushGradient(
            job: job, scale: pushScale(target?.upstream ?? 1, over: totals.counts.negative))
        if case .squared(let goal) = push, totals.counts.points > evaluation.rows.dim {
            let moments = try evaluation.zeros(evaluation.rows.dim &* evaluation.rows.dim)
            try evaluation.addSecondMoments(to: moments)
            let own: PairSums
            (own, totals.sums) = try evaluation.pairwise(
                function, gradient, moments: try evaluation.narrowed(moments: moments))
            totals.pairs.value = evaluation.squaredPushSum(
                target: goal, moments: moments, totals, ownPairs: own.value)
            return totals.result(self)
        }
        if case .hinge(_, .meanActive) = push, target != nil {
            // The gradient is divided by the number of active pairs, which only a pass over all pairs tells.
            var counting = gradient
            counting.job.gradient = nil
            let active = try evaluation.pairwise(function, counting).0.active
            gradient.scale = pushScale(target?.upstream ?? 1, over: active)
        }
        (totals.pairs, totals.sums) = try evaluation.pairwise(function, gradient)
        return totals.result(self)
    }
}
