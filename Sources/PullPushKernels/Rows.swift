import KernelInterface

/// See `Kernels.measure`.
@inline(__always)
func measureRows<S: ComputeScalar>(_: S.Type, _ states: UnsafeMutablePointer<RowState>, _ rowCount: Int, _ count: Int) {
    let whole = Block<S>.columns(of: count)
    for a in 0..<rowCount {
        let row = states[a].features.assumingMemoryBound(to: S.self)
        var sums = Block<S>.zero
        var next = 0
        while next < whole {
            let x = Block(row + next)
            sums = multiplyAdd(x, x, sums)
            next &+= Block<S>.count
        }
        var rest = sums.folded
        while next < count {
            let columns = Columns<S>(next, of: count)
            let x = columns.load(row)
            rest = multiplyAdd(columns.unseen(x), x, rest)
            next &+= S.laneCount
        }
        states[a].rawSquare = rest.total
    }
}

/// See `Kernels.writeGradients`.
@inline(never)
func writeGradientRows<S: ComputeScalar>(
    _ states: UnsafePointer<RowState>, _ rowCount: Int, shared: UnsafePointer<S>, _ count: Int,
    through slot: UnsafeMutablePointer<S>?
) {
    // The multiple of the shared vector that is in the slot.
    var made = Double.nan
    for a in 0..<rowCount {
        let gradient = states[a].gradient
        let target = gradient.target.assumingMemoryBound(to: S.self)
        let x = states[a].features.assumingMemoryBound(to: S.self)
        let onShared = Register<S>(repeating: S(gradient.onShared))
        let onRow = Register<S>(repeating: S(gradient.onRow))
        let row = slot ?? target
        if let own = gradient.own?.assumingMemoryBound(to: S.self) {
            let onOwn = Register<S>(repeating: S(gradient.onOwn))
            if gradient.onRow == 0 {
                write(row, count) { multiplyAdd(Register(own + $0), onOwn, Register(shared + $0) * onShared) }
            } else {
                write(row, count) {
                    multiplyAdd(
                        Register(x + $0), onRow,
                        multiplyAdd(Register(own + $0), onOwn, Register(shared + $0) * onShared))
                }
            }
        } else if gradient.onRow == 0 {
            if made != gradient.onShared { write(row, count) { Register(shared + $0) * onShared } }
        } else {
            write(row, count) { multiplyAdd(Register(x + $0), onRow, Register(shared + $0) * onShared) }
        }
        if let slot {
            copyPastCaches(slot, into: target, count)
            made = gradient.onRow == 0 && gradient.own == nil ? gradient.onShared : .nan
        }
    }
}

/// Writes what `lanes` says of every column it is asked for.
@inline(__always)
private func write<S: ComputeScalar>(
    _ target: UnsafeMutablePointer<S>, _ count: Int, _ lanes: (_ column: Int) -> Register<S>
) {
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        let (a, b) = (next, next &+ S.laneCount)
        let (c, d) = (b &+ S.laneCount, b &+ 2 &* S.laneCount)
        lanes(a).store(target + a)
        lanes(b).store(target + b)
        lanes(c).store(target + c)
        lanes(d).store(target + d)
        next &+= Block<S>.count
    }
    while next < count {
        let column = Columns<S>(next, of: count).offset
        lanes(column).store(target + column)
        next &+= S.laneCount
    }
}

@inline(__always)
private func copyPastCaches<S: ComputeScalar>(_ x: UnsafePointer<S>, into target: UnsafeMutablePointer<S>, _ count: Int)
{
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        Block(x + next).forEach { $1.stream(target + next + $0) }
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        columns.load(x).stream(target + columns.offset)
        next &+= S.laneCount
    }
}
