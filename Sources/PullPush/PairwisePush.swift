import KernelInterface

// Pushes that look at every pair of points: O(M² · dim) time for M points.

/// The rest of the work on the identities whose points a tile holds.
struct PushGradient {
    /// Without a gradient, just the identities' sums are taken.
    var job: UnsafePointer<GradientJob>
    /// `upstream · pushWeight`
    var slope: Double
    /// The number of pairs that the push is a mean over.
    var pairs: Int

    /// What the gradient of the sum over pairs is multiplied with.
    var scale: Double { pairs > 0 ? slope / Double(pairs) : 0 }
}

extension Evaluation {
    /// The pairs of a nonlinear push as a function of inner product and distance, or nil for the linear push.
    var pairFunction: PairFunction? {
        switch loss.push {
        case .linear: nil
        case .squared(let target): .squared(target: target, onError: 4)
        case .hinge(let margin, _):
            loss.objective == .squaredEuclidean ? .distanceHinge(margin: margin) : .hinge(margin: margin)
        }
    }

    /// Whether the weights of all pairs take no more room than the features, or little.
    private func canKeepWeights(_ points: Int) -> Bool { points &* points <= max(1 << 20, rows.count &* rows.dim) }

    /// Sums over pairs of the push and over the identities, and, if the job has one, the gradient. A mean over the active
    /// pairs is not known before all pairs are weighed: `gradient.pairs` is then found out here.
    ///
    /// - Parameter moments: with the second moments of all points, a dim × dim matrix, the squared push takes from tiles
    ///   just what the moments hold too much: the pairs within identities, self pairs included. Its gradient is
    ///   `∂/∂p_i = 4 (C p_i − τ t − Σ_{j of i's identity} (p_i·p_j − τ) p_j)`, times `gradient.scale`.
    @_optimize(size)
    func pairwise(
        _ function: PairFunction, _ points: PackedPoints, _ gradient: PushGradient, moments: Matrix? = nil
    ) throws(PullPushError) -> (PairSums, IdentitySums) {
        var target = 0.0
        if case .squared(let goal) = loss.push { target = goal }
        let blocks = points.blocks
        let workers = min(workers, blocks)
        let spaces = try allocate(workers, of: TileSpace.self)
        for worker in 0..<workers { (spaces + worker).initialize(to: try TileSpace(self, points.blockSize)) }
        let pairSums = try allocate(blocks, of: PairSums.self)
        let identitySums = try allocate(blocks, of: IdentitySums.self)
        var work = TileWork(
            evaluation: self, points: points,
            function: moments == nil ? function : .squared(target: target, onError: -1), gradient: gradient,
            moments: moments, target: target, spaces: spaces, pairSums: pairSums, identitySums: identitySums)
        let hasGradient = gradient.job.pointee.gradient != nil
        if hasGradient && moments == nil && canKeepWeights(points.count) {
            let room = blocks &* points.blockSize
            work.weights = Matrix(try allocateScalars(room &* room), rowStride: points.blockSize)
        }
        withUnsafeMutablePointer(to: &work) { (work) in
            var countsActive = false
            if case .hinge(_, .meanActive) = loss.push { countsActive = hasGradient }
            if countsActive || work.pointee.weights != nil {
                ThreadPool.run(
                    blocks, workers: workers,
                    ThreadPool.Work(context: work) { Tile($0, worker: $1, unit: $2).weighAll() })
            }
            if countsActive {
                work.pointee.gradient.pairs = 0
                for unit in 0..<blocks { work.pointee.gradient.pairs += pairSums[unit].active }
            }
            ThreadPool.run(
                blocks, workers: workers, ThreadPool.Work(context: work) { Tile($0, worker: $1, unit: $2).finish() })
        }
        // Added in the order of the blocks, whoever did them.
        var sums = (PairSums(), IdentitySums())
        for unit in 0..<blocks {
            sums.0 += pairSums[unit]
            sums.1 += identitySums[unit]
        }
        return sums
    }
}

/// What the blocks of a push have in common.
struct TileWork {
    let evaluation: Evaluation
    let points: PackedPoints
    let function: PairFunction
    var gradient: PushGradient
    let moments: Matrix?
    /// Of the squared push.
    let target: Double
    let spaces: UnsafeMutablePointer<TileSpace>
    let pairSums: UnsafeMutablePointer<PairSums>
    let identitySums: UnsafeMutablePointer<IdentitySums>
    /// The weights of all pairs, if there is room: for each block's points, as columns, a row for every point. Each pair is
    /// weighed once then, in the column of the point that comes first.
    var weights: Matrix?
}
