import KernelInterface

/// See `Kernels.square`.
@inline(__always)
func squareOf<S: ComputeScalar>(_ x: UnsafePointer<S>, _ count: Int) -> Double {
    var sums = Block<S>.zero
    forEachColumns(of: count, S.self) { offset in
        let x = Block(x + offset)
        sums = multiplyAdd(x, x, sums)
    } rest: { columns in
        let x = columns.load(x)
        sums.a = multiplyAdd(columns.unseen(x), x, sums.a)
    }
    return S.total(sums.folded)
}

/// See `Kernels.dot`.
@inline(__always)
func dotProduct<S: ComputeScalar>(_ x: UnsafePointer<S>, _ y: UnsafePointer<S>, _ count: Int) -> Double {
    var sums = Block<S>.zero
    forEachColumns(of: count, S.self) { offset in
        sums = multiplyAdd(Block(x + offset), Block(y + offset), sums)
    } rest: { columns in
        sums.a = multiplyAdd(columns.unseen(columns.load(x)), columns.load(y), sums.a)
    }
    return S.total(sums.folded)
}

/// See `Kernels.squaredDistance`.
@inline(__always)
func squaredDistanceOf<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, _ y: UnsafePointer<S>, by b: S, _ count: Int
) -> Double {
    let a = S.Lanes(repeating: a)
    let b = S.Lanes(repeating: b)
    var sums = Block<S>.zero
    forEachColumns(of: count, S.self) { offset in
        let difference = Block(x + offset) * a - Block(y + offset) * b
        sums = multiplyAdd(difference, difference, sums)
    } rest: { columns in
        let difference = columns.unseen(columns.load(x) * a - columns.load(y) * b)
        sums.a = multiplyAdd(difference, difference, sums.a)
    }
    return S.total(sums.folded)
}

/// See `Kernels.scale`.
@inline(__always)
func writeScaled<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, into target: UnsafeMutablePointer<S>, _ count: Int
) {
    let a = S.Lanes(repeating: a)
    forEachColumns(of: count, S.self) { offset in
        (Block(x + offset) * a).store(target + offset)
    } rest: { columns in
        columns.store(columns.load(x) * a, target)
    }
}

/// See `Kernels.combine`.
@inline(__always)
func writeCombination<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, _ y: UnsafePointer<S>, by b: S, into target: UnsafeMutablePointer<S>, _ count: Int
) {
    let a = S.Lanes(repeating: a)
    let b = S.Lanes(repeating: b)
    forEachColumns(of: count, S.self) { offset in
        multiplyAdd(Block(y + offset), b, Block(x + offset) * a).store(target + offset)
    } rest: { columns in
        columns.store(multiplyAdd(columns.load(y), b, columns.load(x) * a), target)
    }
}

/// See `Kernels.stream`.
@inline(__always)
func copyPastCaches<S: ComputeScalar>(_ x: UnsafePointer<S>, into target: UnsafeMutablePointer<S>, _ count: Int) {
    forEachColumns(of: count, S.self) { offset in
        Block(x + offset).forEach { S.stream($1, target + offset + $0) }
    } rest: { columns in
        columns.store(columns.load(x), target)
    }
}

/// See `Kernels.add`.
@inline(__always)
func addScaled<S: ComputeScalar>(
    _ x: UnsafePointer<S>, by a: S, to doubles: UnsafeMutablePointer<Double>, _ count: Int
) {
    var next = 0
    while next &+ Block<S>.count <= count {
        (Block(x + next) * S.Lanes(repeating: a)).forEach { S.add($1, to: doubles + next + $0) }
        next &+= Block<S>.count
    }
    while next < count {
        doubles[next] += Double(x[next] * a)
        next &+= 1
    }
}

/// See `Kernels.narrow`.
@inline(__always)
func writeNarrowed<S: ComputeScalar>(
    _ doubles: UnsafePointer<Double>, to scalars: UnsafeMutablePointer<S>, _ count: Int
) -> Double {
    var squares = Double.Lanes.zero
    var next = 0
    while next &+ S.laneCount <= count {
        for offset in stride(from: 0, to: S.laneCount, by: Double.laneCount) {
            let lanes = loadLanes(doubles + next + offset)
            squares = multiplyAdd(lanes, lanes, squares)
        }
        storeLanes(S.narrow(doubles + next), scalars + next)
        next &+= S.laneCount
    }
    var sum = Double.total(squares)
    while next < count {
        scalars[next] = S(doubles[next])
        sum += doubles[next] * doubles[next]
        next &+= 1
    }
    return sum
}
