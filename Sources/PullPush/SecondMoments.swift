import KernelInterface

/// The squared push by second moments. With C = Σ p pᵀ over the M pushed points, Σ (p_i·p_j)² = ‖C‖²_F over all ordered
/// pairs: O(M · dim²) time and dim × dim numbers of memory, whatever M.
extension Evaluation {
    /// Adds Σ p pᵀ of all points to `moments`, dim × dim doubles.
    mutating func addSecondMoments(to moments: UnsafeMutablePointer<Double>) throws(PullPushError) {
        let rows = rows
        let pushed = loss.points
        let kernels = kernels
        let width = width
        let points = pushed == .all ? rows.count : rows.identityCount
        // A unit is a stripe of rows of the matrix; every unit packs all points again, block by block.
        let stripe = 96
        let depth = 256
        let size = rows.element.computeSize
        let packed = try allocateScalars(workers &* depth &* width)
        let squares = try allocateScalars(workers &* depth)
        let products = try allocateScalars(workers &* stripe &* width)
        let slots = try allocateScalars(workers &* rows.stagedColumns)
        ThreadPool.run((rows.dim &+ stripe &- 1) / stripe, workers: workers) { worker, unit in
            let packed = packed + worker &* depth &* width &* size
            let product = Matrix(products + worker &* stripe &* width &* size, rowStride: width)
            let first = unit &* stripe
            let count = min(stripe, rows.dim &- first)
            for start in stride(from: 0, to: points, by: depth) {
                let block = start..<min(start &+ depth, points)
                kernels.packPoints(
                    rows, pushed, block, packed, width, squares + worker &* depth &* size,
                    slots + worker &* rows.stagedColumns &* size)
                let columns = Matrix(packed + first &* size, rowStride: 1, columnStride: width)
                kernels.multiply(
                    count, rows.dim, block.count, columns, Matrix(packed, rowStride: width), product, false)
                for row in 0..<count {
                    kernels.addToDoubles(
                        product.start + row &* width &* size, moments + (first &+ row) &* rows.dim, rows.dim)
                }
            }
        }
    }

    /// The sums over the pairs within identities, self pairs included, which the moments hold and the push does not, and
    /// over the identities; if the job has one, the gradient.
    ///
    /// With pairs of the same identity left out, `∂/∂p_i = 4 (C p_i − τ t − Σ_{j of i's identity} (p_i·p_j − τ) p_j)`,
    /// times `gradient.scale`.
    mutating func squaredPush(
        target: Double, moments: UnsafePointer<Double>, _ gradient: PushGradient
    ) throws(PullPushError) -> (PairSums, IdentitySums) {
        let rows = rows
        let wantsGradient = gradient.job.gradient != nil
        let matrix = Matrix(try allocateScalars(wantsGradient ? rows.dim &* width : 0), rowStride: width)
        if wantsGradient {
            for row in 0..<rows.dim {
                kernels.narrowDoubles(
                    moments + row &* rows.dim, matrix.start + row &* width &* rows.element.computeSize, rows.dim)
            }
        }
        return try forEachTile(wantsGradient: wantsGradient) { tile in
            let sums = tile.addPairs(with: tile.ownPoints, own: true, .squared(target: target))
            if wantsGradient {
                // The tile's weights are 4 (p_i·p_j − τ).
                tile.complete(total: gradient.job.total, totalWeight: 0, scale: -0.25)
                tile.addProduct(with: matrix)
                tile.complete(total: gradient.job.total, totalWeight: -target, scale: 4 * gradient.scale)
            }
            return (sums, tile.finishIdentities(gradient.job))
        }
    }

    /// Σ (s − τ)² over the pairs of the push.
    func squaredPushSum(
        target: Double, moments: UnsafePointer<Double>, _ totals: Totals, ownPairs: Double
    ) -> Double {
        let points = Double(totals.counts.points)
        let all = squaredNorm(moments, rows.dim &* rows.dim)
        return all - 2 * target * totals.totalSquare + target * target * points * points - ownPairs
    }
}
