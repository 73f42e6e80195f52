import CPullPush
import KernelInterface
import PullPush

/// `pullpush_options`, checked.
struct Options {
    var loss = PullPushLoss.original
    var upstream = 1.0
    var accumulate = false

    /// NULL means the defaults.
    init(_ pointer: UnsafePointer<pullpush_options>?) throws(PullPushError) {
        guard let pointer else { return }
        let c = try versioned(
            pointer, "options.struct_size", defaults: defaultOptions(.original),
            smallest: SmallestSize.options)
        loss.normalize = try option(c.normalize, "normalize")
        loss.selfPairs = try option(c.self_pairs, "self_pairs")
        loss.pushBetween = try option(c.push_between, "push_between")
        loss.objective = try option(c.objective, "objective")
        loss.push = try Self.push(c)
        loss.pullWeight = c.pull_weight
        loss.pushWeight = c.push_weight
        loss.numThreads = Int(c.num_threads)
        loss.checkFinite = try flag(c.check_finite, "check_finite")
        try requireFinite(c.upstream, "upstream")
        upstream = c.upstream
        accumulate = try flag(c.accumulate, "accumulate")
        if c.reserved != 0 {
            throw PullPushError(.option, "reserved", .integer(Int(c.reserved)), expected: "0")
        }
    }

    private static func push(_ c: pullpush_options) throws(PullPushError) -> PullPushLoss.Push {
        try requireFinite(c.target, "target")
        try requireFinite(c.margin, "margin")
        let reduction: PullPushLoss.Reduction = try option(c.reduction, "reduction")
        let push: PushKind = try option(c.push, "push")
        if reduction == .meanActive && push != .hinge {
            throw PullPushError(
                .option, "reduction mean_active with a push other than hinge", .unspecified,
                expected: "reduction mean, or push hinge")
        }
        switch push {
        case .linear: return .linear
        case .squared: return .squared(target: c.target)
        case .hinge: return .hinge(margin: c.margin, reduction: reduction)
        }
    }
}

private enum PushKind: Int32 {
    case linear = 0
    case squared = 1
    case hinge = 2
}

private enum Preset: Int32 {
    case original = 0
    case orthogonal = 1
}

private func defaultOptions(_ preset: Preset) -> pullpush_options {
    let loss = preset == .original ? PullPushLoss.original : .orthogonal
    var c = pullpush_options()
    c.struct_size = MemoryLayout<pullpush_options>.size
    c.normalize = loss.normalize.rawValue
    c.self_pairs = loss.selfPairs.rawValue
    c.push = (preset == .original ? PushKind.linear : .squared).rawValue
    c.pull_weight = loss.pullWeight
    c.push_weight = loss.pushWeight
    c.upstream = 1
    return c
}

@_cdecl("pullpush_options_preset") @implementation
public func pullpush_options_preset(
    _ options: UnsafeMutablePointer<pullpush_options>!, _ struct_size: Int, _ preset: Int32
) -> Int32 {
    status { () throws(PullPushError) in
        let options = try required(options, "options")
        let preset: Preset = try option(preset, "preset")
        if struct_size < SmallestSize.options || struct_size > 65536 {
            throw PullPushError(
                .structSize, "struct_size", .integer(struct_size), expected: "sizeof(pullpush_options), at least",
                SmallestSize.options)
        }
        var defaults = defaultOptions(preset)
        defaults.struct_size = struct_size
        let target = UnsafeMutableRawPointer(options)
        target.initializeMemory(as: UInt8.self, repeating: 0, count: struct_size)
        target.copyMemory(
            from: &defaults,
            byteCount: knownBytes(of: struct_size, smallest: SmallestSize.options, MemoryLayout.size(ofValue: defaults))
        )
    }
}

@_cdecl("pullpush_options_init") @implementation
public func pullpush_options_init(
    _ options: UnsafeMutablePointer<pullpush_options>!, _ struct_size: Int
) -> Int32 {
    pullpush_options_preset(options, struct_size, Preset.original.rawValue)
}
