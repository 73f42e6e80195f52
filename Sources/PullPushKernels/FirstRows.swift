#if PULLPUSH_FMA
import CVectors
import KernelInterface

/// See `Kernels.addFirstRows`.
@inline(__always)
func addRowsOfIdentities<S: ComputeScalar>(
    _: S.Type, _ rows: Rows, _ identities: Range<Int>, to doubles: UnsafeMutablePointer<Double>
) -> Int {
    var number = identities.lowerBound
    while number &+ 4 <= identities.upperBound {
        let four = FourRows<S>(
            FourAddresses(rows, firstRowsFrom: number, bytes: rows.stride &* MemoryLayout<S>.size))
        var scale = Four(repeating: 1)
        if rows.normalization != .none {
            guard let x = FourScales(squares: squares(four, rows.dim), rows.normalization) else { break }
            scale = x.scale
        }
        add(four, by: scale, to: doubles, rows.dim)
        number &+= 4
    }
    return number &- identities.lowerBound
}

@inline(__always)
private func squares<S: ComputeScalar>(_ rows: FourRows<S>, _ dim: Int) -> Four {
    var result = Four.zero
    let whole = Block<S>.columns(of: dim)
    var next = 0
    while next < dim {
        var sums = FourSquares<S>()
        let end = min(next &+ S.mostColumns, whole)
        while next < end {
            sums.add(FourLanes(rows, next))
            sums.add(FourLanes(rows, next &+ S.laneCount))
            sums.add(FourLanes(rows, next &+ 2 &* S.laneCount))
            sums.add(FourLanes(rows, next &+ 3 &* S.laneCount))
            next &+= Block<S>.count
        }
        if next == whole {
            while next < dim {
                let columns = Columns<S>(next, of: dim)
                sums.add(FourLanes(rows, columns.offset).dropFirst(columns.seen))
                next &+= S.laneCount
            }
        }
        result = result + sums.totals
    }
    return result
}

@inline(__always)
private func add<S: ComputeScalar>(
    _ rows: FourRows<S>, by scale: Four, to doubles: UnsafeMutablePointer<Double>, _ dim: Int
) {
    let (u0, u1, u2, u3) = S.spread(scale.lanes)
    @inline(__always)
    func sum(_ column: Int) -> Register<S> {
        let x = FourLanes(rows, column)
        return multiplyAdd(x.x3, u3, multiplyAdd(x.x2, u2, multiplyAdd(x.x1, u1, x.x0 * u0)))
    }
    let whole = Block<S>.columns(of: dim)
    var next = 0
    while next < whole {
        S.add(sum(next).lanes, to: doubles + next)
        S.add(sum(next &+ S.laneCount).lanes, to: doubles + next + S.laneCount)
        S.add(sum(next &+ 2 &* S.laneCount).lanes, to: doubles + next + 2 &* S.laneCount)
        S.add(sum(next &+ 3 &* S.laneCount).lanes, to: doubles + next + 3 &* S.laneCount)
        next &+= Block<S>.count
    }
    while next < dim {
        let columns = Columns<S>(next, of: dim)
        S.add(columns.unseen(sum(columns.offset)).lanes, to: doubles + columns.offset)
        next &+= S.laneCount
    }
}
#endif
