import KernelInterface

// Pushes that look at every pair of points, in tiles: O(M² · dim) time for M points, and a tile of memory a worker.

/// The rest of the work on the identities whose points a tile holds.
struct PushGradient {
    /// Without a gradient, just the identities' sums are taken.
    var job: GradientJob
    /// `upstream · pushWeight`, over the number of pairs.
    var scale: Double
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

    /// Sums over pairs of the push and over the identities, and, if the job has one, the gradient.
    ///
    /// - Parameter moments: with the second moments of all points, a dim × dim matrix, the squared push takes from tiles
    ///   just what the moments hold too much: the pairs within identities, self pairs included. Its gradient is
    ///   `∂/∂p_i = 4 (C p_i − τ t − Σ_{j of i's identity} (p_i·p_j − τ) p_j)`, times `gradient.scale`.
    @_optimize(size)
    func pairwise(
        _ function: PairFunction, _ gradient: PushGradient, moments: Matrix? = nil
    ) throws(PullPushError) -> (PairSums, IdentitySums) {
        var target = 0.0
        if case .squared(let goal) = loss.push { target = goal }
        let points = loss.points == .all ? rows.count : rows.identityCount
        let blockSize = TileSpace.blockSize(width: width, points: points)
        let tiles = (points &+ blockSize &- 1) / blockSize
        let workers = min(workers, tiles)
        let spaces = try scratch.pointee.allocate(workers, of: TileSpace.self)
        for worker in 0..<workers { (spaces + worker).initialize(to: try TileSpace(self, blockSize: blockSize)) }
        let pairSums = try scratch.pointee.allocate(tiles, of: PairSums.self)
        let identitySums = try scratch.pointee.allocate(tiles, of: IdentitySums.self)
        let work = TileWork(
            evaluation: self,
            function: moments == nil ? function : .squared(target: target, onError: -1), gradient: gradient,
            moments: moments, target: target, points: points,
            spaces: spaces, pairSums: pairSums, identitySums: identitySums)
        ThreadPool.run(tiles, workers: workers, work) { work, worker, unit in work.run(worker, unit) }
        // Added in the order of the tiles, whoever did them.
        var sums = (PairSums(), IdentitySums())
        for unit in 0..<tiles {
            sums.0 += pairSums[unit]
            sums.1 += identitySums[unit]
        }
        return sums
    }
}

/// What the tiles of a push have in common.
private struct TileWork {
    let evaluation: Evaluation
    let function: PairFunction
    let gradient: PushGradient
    let moments: Matrix?
    /// Of the squared push.
    let target: Double
    let points: Int
    let spaces: UnsafeMutablePointer<TileSpace>
    let pairSums: UnsafeMutablePointer<PairSums>
    let identitySums: UnsafeMutablePointer<IdentitySums>

    func run(_ worker: Int, _ unit: Int) {
        let wantsGradient = gradient.job.gradient != nil
        let blockSize = spaces[0].blockSize
        let block = unit &* blockSize..<min((unit &+ 1) &* blockSize, points)
        let tile = Tile(evaluation, spaces + worker, block: block)
        let partners = moments == nil ? 0..<points : tile.ownPoints
        if wantsGradient, let moments {
            tile.begin(product: moments, total: gradient.job.total, totalWeight: -target)
        }
        pairSums[unit] = tile.addPairs(
            with: partners, own: moments != nil, function, wantsGradient: wantsGradient, adding: moments != nil)
        if wantsGradient, case .distanceHinge = function { tile.addWeightedPoints() }
        identitySums[unit] = tile.finishIdentities(
            gradient.job, scale: moments == nil ? gradient.scale : 4 * gradient.scale)
    }
}
