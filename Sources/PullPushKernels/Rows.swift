import CVectors
import KernelInterface

/// See `Kernels.measure`.
@inline(__always)
func measureRows<S: ComputeScalar>(_: S.Type, _ states: UnsafeMutablePointer<RowState>, _ rowCount: Int, _ count: Int) {
    for a in 0..<rowCount {
        let row = states[a].features.assumingMemoryBound(to: S.self)
        states[a].rawSquare = Block<S>.isUsed ? squareOf(row, count) : dotProduct(row, row, count)
    }
}

/// `‖x‖²`, faster than `dotProduct` where there are blocks.
@inline(__always)
private func squareOf<S: ComputeScalar>(_ x: UnsafePointer<S>, _ count: Int) -> Double {
    var sum = WideSum<S>()
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        var sums = Block<S>.zero
        let end = min(next &+ S.mostColumns, whole)
        while next < end {
            let x = Block(x + next)
            sums = multiplyAdd(x, x, sums)
            next &+= Block<S>.count
        }
        sum.add(sums.folded, at: next)
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        let x = columns.load(x)
        sum.add(columns.unseen(x) * x, at: next)
        next &+= S.laneCount
    }
    return sum.total
}

/// See `Kernels.writeGradients`.
@inline(never)
func writeGradientRows<S: ComputeScalar>(
    _ states: UnsafePointer<RowState>, _ rowCount: Int, shared: UnsafePointer<S>, _ count: Int, pastCaches: Bool
) {
    for a in 0..<rowCount {
        let gradient = states[a].gradient
        let x = states[a].features.assumingMemoryBound(to: S.self)
        if let upcoming = gradient.upcoming { fetch(upcoming, bytes: count &* MemoryLayout<S>.size) }
        let target = RowTarget(
            start: gradient.target.assumingMemoryBound(to: S.self), count: count, pastCaches: pastCaches)
        let onShared = Register<S>(repeating: S(gradient.onShared))
        let onRow = Register<S>(repeating: S(gradient.onRow))
        if let own = gradient.own?.assumingMemoryBound(to: S.self) {
            let onOwn = Register<S>(repeating: S(gradient.onOwn))
            if gradient.onRow == 0 {
                target.write { multiplyAdd(Register(own + $0), onOwn, Register(shared + $0) * onShared) }
            } else {
                target.write {
                    multiplyAdd(
                        Register(x + $0), onRow,
                        multiplyAdd(Register(own + $0), onOwn, Register(shared + $0) * onShared))
                }
            }
        } else if gradient.onRow == 0 {
            target.write { Register(shared + $0) * onShared }
        } else {
            target.write { multiplyAdd(Register(x + $0), onRow, Register(shared + $0) * onShared) }
        }
    }
}

@inline(__always)
private func fetch(_ start: UnsafeRawPointer, bytes: Int) {
    for offset in Steps(to: bytes, by: 64) { cvectors_prefetch(start + offset) }
}

private struct RowTarget<S: ComputeScalar> {
    let start: UnsafeMutablePointer<S>
    let count: Int
    let pastCaches: Bool

    /// Writes what `register` says of every column it is asked for.
    @inline(__always)
    func write(_ register: (_ column: Int) -> Register<S>) {
        #if PULLPUSH_FMA
        // Just where it pays for its code. Memory is slower than a step for each register.
        if S.self == Float.self && pastCaches {
            forEachColumn(inBlocksTo: 0) { register($0).stream(start + $0) }
            return
        }
        #endif
        forEachColumn(inBlocksTo: Block<S>.columns(of: count)) { register($0).store(start + $0) }
    }

    @inline(__always)
    private func forEachColumn(inBlocksTo whole: Int, _ body: (_ column: Int) -> Void) {
        var next = 0
        while next < whole {
            body(next)
            body(next &+ S.laneCount)
            body(next &+ 2 &* S.laneCount)
            body(next &+ 3 &* S.laneCount)
            next &+= Block<S>.count
        }
        while next < count {
            body(Columns<S>(next, of: count).offset)
            next &+= S.laneCount
        }
    }
}
