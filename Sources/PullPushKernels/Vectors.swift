import KernelInterface

/// See `Kernels.dot`.
@inline(never)
func dotProduct<S: ComputeScalar>(_ x: UnsafePointer<S>, _ y: UnsafePointer<S>, _ count: Int) -> Double {
    var sum = WideSum<S>()
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        sum.add(Block(x + next).dot(Block(y + next)), at: next)
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        sum.add(columns.unseen(columns.load(x)) * columns.load(y), at: next)
        next &+= S.laneCount
    }
    return sum.total
}

/// See `Kernels.squaredDistance`.
@inline(__always)
func squaredDistanceOf<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, _ y: UnsafePointer<S>, by b: S, _ count: Int
) -> Double {
    let a = Register<S>(repeating: a)
    let b = Register<S>(repeating: b)
    var sum = WideSum<S>()
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        let difference = Block(x + next) * a - Block(y + next) * b
        sum.add(difference.dot(difference), at: next)
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        let difference = columns.unseen(columns.load(x) * a - columns.load(y) * b)
        sum.add(difference * difference, at: next)
        next &+= S.laneCount
    }
    return sum.total
}

/// See `Kernels.scale`.
@inline(__always)
func writeScaled<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, into target: UnsafeMutablePointer<S>, _ count: Int
) {
    let a = Register<S>(repeating: a)
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        (Block(x + next) * a).store(target + next)
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        columns.store(columns.load(x) * a, target)
        next &+= S.laneCount
    }
}

/// See `Kernels.combine`.
@inline(__always)
func writeCombination<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, _ y: UnsafePointer<S>, by b: S, into target: UnsafeMutablePointer<S>, _ count: Int
) {
    let a = Register<S>(repeating: a)
    let b = Register<S>(repeating: b)
    let whole = Block<S>.columns(of: count)
    var next = 0
    while next < whole {
        multiplyAdd(Block(y + next), b, Block(x + next) * a).store(target + next)
        next &+= Block<S>.count
    }
    while next < count {
        let columns = Columns<S>(next, of: count)
        columns.store(multiplyAdd(columns.load(y), b, columns.load(x) * a), target)
        next &+= S.laneCount
    }
}

/// See `Kernels.narrow`.
@inline(__always)
func writeNarrowed<S: ComputeScalar>(
    _ doubles: UnsafePointer<Double>, to scalars: UnsafeMutablePointer<S>, _ count: Int
) -> Double {
    // A chain of additions for each half of a register of floats.
    var squares = Register<Double>.zero
    var lastSquares = Register<Double>.zero
    var next = 0
    while next &+ S.laneCount <= count {
        let first = Register(doubles + next)
        let last = Register(doubles + next + (S.laneCount &- Double.laneCount))
        squares = multiplyAdd(first, first, squares)
        if S.laneCount > Double.laneCount { lastSquares = multiplyAdd(last, last, lastSquares) }
        Register<S>(S.narrow(doubles + next)).store(scalars + next)
        next &+= S.laneCount
    }
    var sum = (squares + lastSquares).total
    while next < count {
        scalars[next] = S(doubles[next])
        sum += doubles[next] * doubles[next]
        next &+= 1
    }
    return S.self == Double.self && count >= Double.laneCount ? dotProduct(doubles, doubles, count) : sum
}
