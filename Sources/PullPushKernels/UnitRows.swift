import KernelInterface

/// See `Kernels.sumAndWrite`.
@inline(__always)
func sweep<S: ComputeScalar>(_: S.Type, _ job: UnitRows) -> UnitSums {
    let onSum = S.Lanes(repeating: S(job.onSum))
    let totalOnFirst = S.Lanes(repeating: S(job.totalOnFirst))
    let total = job.total.assumingMemoryBound(to: S.self)
    let whole = Block<S>.columns(of: job.columns)
    var first = job.features.assumingMemoryBound(to: S.self)
    var firstTarget = job.gradient.assumingMemoryBound(to: S.self)
    var product = SquareSum<S>()
    var sums = UnitSums(product: 0, firstSquares: 0, otherSquares: 0)
    for _ in 0..<job.identities {
        // One register, for the others are needed.
        var firstSquares = S.Lanes.zero
        var otherSquares = Block<S>.zero
        var next = 0
        while next < whole {
            var row = first + next
            var sum = Block(row)
            sum.forEach { firstSquares = multiplyAdd($1, $1, firstSquares) }
            for _ in 1..<job.samplesPerId {
                row += job.stride
                let x = Block(row)
                sum = sum + x
                otherSquares = multiplyAdd(x, x, otherSquares)
            }
            product.add(sum)
            let h = sum * onSum
            var target = firstTarget + next
            multiplyAdd(Block(total + next), totalOnFirst, h).store(target)
            for _ in 1..<job.samplesPerId {
                target += job.gradientStride
                h.store(target)
            }
            next &+= Block<S>.count
        }
        var restSquares = otherSquares.folded
        while next < job.columns {
            let columns = Columns<S>(next, of: job.columns)
            var row = first
            var sum = columns.load(row)
            firstSquares = multiplyAdd(columns.unseen(sum), sum, firstSquares)
            for _ in 1..<job.samplesPerId {
                row += job.stride
                let x = columns.load(row)
                sum += x
                restSquares = multiplyAdd(columns.unseen(x), x, restSquares)
            }
            product.add(columns.unseen(sum))
            let h = sum * onSum
            var target = firstTarget
            columns.store(multiplyAdd(columns.load(total), totalOnFirst, h), target)
            for _ in 1..<job.samplesPerId {
                target += job.gradientStride
                columns.store(h, target)
            }
            next &+= S.laneCount
        }
        sums.firstSquares += S.total(firstSquares)
        sums.otherSquares += S.total(restSquares)
        first += job.samplesPerId &* job.stride
        firstTarget += job.samplesPerId &* job.gradientStride
    }
    sums.product = product.total
    return sums
}
