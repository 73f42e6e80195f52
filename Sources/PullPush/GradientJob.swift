import CVectors
import KernelInterface

extension GradientJob {
    /// Does the job for the grouped rows `range` of some identities, and returns their sums. An identity's sums are counted
    /// with its first row.
    ///
    /// - Parameter scratch: `IdentityPass.scratchSize` bytes
    @inline(never)
    static func run(
        _ job: UnsafePointer<GradientJob>, _ identities: Range<Int>, _ range: Range<Int>, _ kernels: Kernels,
        scratch: UnsafeMutableRawPointer
    ) -> IdentitySums {
        var sums = IdentitySums()
        if !job.pointee.isLinear {
            IdentityPass.run(job, identities, range, kernels, scratch: scratch, &sums)
        } else {
            var rest = identities
            while !rest.isEmpty {
                let isFirst = rest.lowerBound == identities.lowerBound
                let next = rest.lowerBound &+ writeLinear(job, rest, kernels, scratch, oneByOne: !isFirst, &sums)
                if next == rest.upperBound { break }
                let exception = next..<next &+ 1
                IdentityPass.run(
                    job, exception, job.pointee.rows.rowsOf(exception), kernels, scratch: scratch, &sums)
                rest = exception.upperBound..<rest.upperBound
            }
        }
        // Lets other threads see what was written past the caches.
        if job.pointee.pastCaches { cvectors_fence() }
        return sums
    }

    /// Whether `Kernels.writeLinear` can do it.
    private var isLinear: Bool {
        points == .representatives && gradient != nil && writesDirectly && RowReader.hasProducts(rows)
    }

    /// As many of the first identities as are not exceptional; returns their number.
    private static func writeLinear(
        _ job: UnsafePointer<GradientJob>, _ identities: Range<Int>, _ kernels: Kernels,
        _ scratch: UnsafeMutableRawPointer, oneByOne: Bool, _ sums: inout IdentitySums
    ) -> Int {
        let found = kernels.writeLinear(
            job, IdentityPass.linearSpace(job.pointee.rows, scratch), identities, oneByOne: oneByOne)
        switch job.pointee.pullForm {
        case .withSelfPairs: sums.pull += found.countSquares - found.products
        case .withoutSelfPairs: sums.pull += found.countSquares - found.counts + found.squares - found.products
        case .squaredEuclidean: sums.pull += 2 * (found.squaresByCount - found.products)
        }
        sums.positive += found.products - found.squares
        sums.excluded += found.firstSquares
        sums.pointSquares += found.firstSquares
        sums.weightedPointSquares += found.firstSquares
        return found.identities
    }
}
