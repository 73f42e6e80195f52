import KernelInterface

/// The additive statistics of a part of a batch: what parts must share to get the loss and gradient of the whole.
///
/// The layout, in doubles: number of pushed points; N₊; the numerators of the pull and of the mean positive inner
/// product; the excluded inner products (`IdentitySums.excluded`); two more sums of squares for the squared Euclidean
/// push between all rows; the own pairs of a squared push; the sum t of the points (dim); and for the squared push their
/// second moments (dim²).
struct StatisticsLayout {
    let dim: Int
    let hasSquares: Bool
    let hasMoments: Bool

    init(_ loss: PullPushLoss, dim: Int) throws(PullPushError) {
        if case .hinge = loss.push {
            throw PullPushError(
                .option, "push hinge with statistics", .unspecified, expected: "push linear or squared, which add up")
        }
        self.dim = dim
        if case .squared = loss.push { hasMoments = true } else { hasMoments = false }
        hasSquares = loss.objective == .squaredEuclidean && loss.pushBetween == .all
    }

    private var scalars: Int { 5 + (hasSquares ? 2 : 0) + (hasMoments ? 1 : 0) }
    var ownPairs: Int { scalars - 1 }
    var total: Int { scalars }
    var moments: Int { scalars + dim }

    /// Doubles in all.
    func count() throws(PullPushError) -> Int {
        let (square, overflow) = dim.multipliedReportingOverflow(by: hasMoments ? dim : 0)
        // What wraps around has become negative, so too large without its sign.
        let count = square &+ dim &+ scalars
        if overflow || UInt(bitPattern: count) > UInt.max / 2 / UInt(MemoryLayout<Double>.size) {
            throw PullPushError(.size, "dim", .integer(dim), expected: "dim * dim doubles that fit into memory")
        }
        return count
    }

    func add(_ counts: PairCounts, _ sums: IdentitySums, ownPairs own: Double, to vector: UnsafeMutablePointer<Double>)
    {
        vector[0] += Double(counts.points)
        vector[1] += Double(counts.positive)
        vector[2] += sums.pull
        vector[3] += sums.positive
        vector[4] += sums.excluded
        if hasSquares {
            vector[5] += sums.pointSquares
            vector[6] += sums.weightedPointSquares
        }
        if hasMoments { vector[ownPairs] += own }
    }

    /// The totals of the whole batch, of which `local` is a part.
    func totals(_ loss: PullPushLoss, _ vector: UnsafePointer<Double>, local: PairCounts) throws(PullPushError)
        -> Totals
    {
        guard let points = Int(exactly: vector[0]), points >= local.points, points < 1 << 31 else {
            throw PullPushError(
                .statistics, "total[0], the number of pushed points,", .real(vector[0]),
                expected: "the sum over all parts, so no less than this part's", local.points)
        }
        let counts = PairCounts(positive: Int(exactly: vector[1]) ?? -1, points: points, between: loss.points)
        guard counts.positive >= local.positive, counts.negative >= 0 else {
            throw PullPushError(
                .statistics, "total[1], the number of positive pairs,", .real(vector[1]),
                expected: "the sum over all parts, so no less than this part's", local.positive)
        }
        var totals = Totals(counts: counts)
        totals.sums.pull = vector[2]
        totals.sums.positive = vector[3]
        totals.sums.excluded = vector[4]
        // Between representatives or centroids, the points' squares are the excluded products.
        totals.sums.pointSquares = vector[hasSquares ? 5 : 4]
        totals.sums.weightedPointSquares = vector[hasSquares ? 6 : 4]
        return totals
    }
}

extension PullPushLoss {
    /// The length of the vector of statistics.
    package func statisticsCount(dim: Int) throws(PullPushError) -> Int {
        try validate()
        if dim < 1 { throw PullPushError(.size, "dim", .integer(dim), expected: "at least 1") }
        return try StatisticsLayout(self, dim: dim).count()
    }

    /// Adds this part's share to the vector.
    package func accumulate(_ batch: Batch, into vector: UnsafeMutablePointer<Double>) throws(PullPushError) {
        var call = Call(self)
        try withUnsafeMutablePointer(to: &call) { (call) throws(PullPushError) in
            try accumulate(try Evaluation(call, batch, nil), batch, into: vector)
        }
    }

    @_optimize(size)
    private func accumulate(
        _ evaluation: Evaluation, _ batch: Batch, into vector: UnsafeMutablePointer<Double>
    ) throws(PullPushError) {
        let layout = try StatisticsLayout(self, dim: batch.dim)
        let counts = PairCounts(evaluation.groupedRows, between: points)
        let total = try evaluation.sumOfPoints()
        let job = try evaluation.gradientJob(
            nil, counts, try evaluation.narrowed(total, evaluation.width).vector, wantsMeans: true)
        // Everything into scratch first: past the last allocation nothing can fail, and only then the vector changes.
        if case .squared(let goal) = push {
            let moments = try evaluation.zeros(batch.dim &* batch.dim)
            let points = try evaluation.packedPoints()
            try evaluation.addSecondMoments(of: points, to: moments)
            let (own, sums) = try evaluation.pairwise(
                .squared(target: goal, onError: 0), points, PushGradient(job: job, slope: 0, pairs: 0),
                moments: try evaluation.narrowed(moments: moments).matrix)
            for i in 0..<batch.dim &* batch.dim { vector[layout.moments + i] += moments[i] }
            layout.add(counts, sums, ownPairs: own.value, to: vector)
        } else {
            layout.add(counts, try evaluation.sumIdentities(job), ownPairs: 0, to: vector)
        }
        for i in 0..<batch.dim { vector[layout.total + i] += total[i] }
    }

    /// The result of the whole batch, and the gradient of this part's rows.
    package func finish(
        _ batch: Batch, _ vector: UnsafePointer<Double>, _ target: GradientTarget?
    ) throws(PullPushError) -> LossResult {
        var call = Call(self)
        return try withUnsafeMutablePointer(to: &call) { (call) throws(PullPushError) in
            try finish(try Evaluation(call, batch, target), batch, vector, target)
        }
    }

    @_optimize(size)
    private func finish(
        _ evaluation: Evaluation, _ batch: Batch, _ vector: UnsafePointer<Double>, _ target: GradientTarget?
    ) throws(PullPushError) -> LossResult {
        let layout = try StatisticsLayout(self, dim: batch.dim)
        var totals = try layout.totals(self, vector, local: PairCounts(evaluation.groupedRows, between: points))
        let total = try evaluation.narrowed(vector + layout.total, batch.dim)
        totals.totalSquare = total.square
        var moments: Matrix?
        if case .squared(let goal) = push {
            let narrow = try evaluation.narrowed(moments: vector + layout.moments)
            moments = narrow.matrix
            totals.pairs.value = totals.squaredPush(
                target: goal, moments: narrow.square, ownPairs: vector[layout.ownPairs])
        }
        if let target {
            let job = try evaluation.gradientJob(
                target, totals.counts, total.vector, wantsMeans: false)
            if let function = evaluation.pairFunction, totals.counts.negative > 0 {
                let gradient = PushGradient(
                    job: job, slope: target.upstream * pushWeight, pairs: totals.counts.negative)
                _ = try evaluation.pairwise(function, try evaluation.packedPoints(), gradient, moments: moments)
            } else {
                _ = try evaluation.sumIdentities(job)
            }
        }
        return totals.result(self)
    }
}
