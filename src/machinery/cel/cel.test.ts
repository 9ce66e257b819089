import { describe, expect, it } from "vitest";
import {
  compileProgram,
  CostError,
  fromJson,
  KUBERNETES,
  mapType,
  STRING,
  DYN,
  INT,
  listType,
  toJson,
} from "./index.ts";

const variables = new Map([
  ["x", INT],
  ["names", listType(STRING)],
  ["labels", mapType(STRING, STRING)],
  ["self", DYN],
]);
const environment = { variables, functions: KUBERNETES };
const values = {
  x: 5n,
  names: ["a", "b", "c"],
  labels: fromJson({ app: "web", "k8s.io/x": "y" }, mapType(STRING, STRING)),
  self: fromJson({ spec: { replicas: 3, image: "nginx:1.2", ports: [{ port: 80 }, { port: 443 }] } }),
};

function evaluate(source: string, limit = 1_000_000): unknown {
  return toJson(compileProgram(source, environment).run(values, limit).value);
}

describe("expressions", () => {
  it.each<[string, unknown]>([
    ["1 + 2 * 3", 7],
    ["(1 + 2) * 3 == 9 && !false", true],
    ["-7 / 2", -3],
    ["-7 % 3", -1],
    ["1.5 + 2.5", 4],
    ["'a' + \"b\" + r'\\n'", "ab\\n"],
    ["'\\u00e9\\x41'", "éA"],
    ["x > 3 ? 'big' : 'small'", "big"],
    ["names.all(n, n.size() == 1)", true],
    ["names.exists(n, n == 'c')", true],
    ["names.exists_one(n, n > 'a')", false],
    ["names.map(n, n + '!')", ["a!", "b!", "c!"]],
    ["names.map(n, n != 'b', n.upperAscii())", ["A", "C"]],
    ["names.filter(n, n in ['a', 'c'])", ["a", "c"]],
    ["names.transformList(i, n, string(i) + n)", ["0a", "1b", "2c"]],
    ["labels.transformMap(k, v, k.startsWith('app'), v + k)", { app: "webapp" }],
    ["names.all(i, n, i < 3 && n != '')", true],
    ["has(self.spec.replicas) && !has(self.spec.paused)", true],
    ["self.spec.ports.map(p, p.port).sum()", 523],
    ["self.?spec.?missing.orValue(7)", 7],
    ["self.spec.?image.optMap(i, i.split(':')[1]).orValue('')", "1.2"],
    ["labels['k8s.io/x']", "y"],
    ["'nginx:1.2'.matches('^[a-z]+:[0-9.]+$')", true],
    ["'abc123def4'.findAll('[0-9]+')", ["123", "4"]],
    ["'a,b,c'.split(',').join('-')", "a-b-c"],
    ["'hello'.substring(1, 3) + 'hello'.charAt(4)", "elo"],
    ["'%s has %d of %.2f'.format(['x', 3, 1.5])", "x has 3 of 1.50"],
    ["quantity('1Gi').isGreaterThan(quantity('500Mi'))", true],
    ["quantity('50k').add(20).isLessThan(quantity('50021'))", true],
    ["isQuantity('10x')", false],
    ["ip('10.0.0.1').family() == 4 && cidr('10.0.0.0/8').containsIP('10.2.3.4')", true],
    ["cidr('fd00::/8').containsCIDR('fd12::/16')", true],
    ["url('https://user@example.com:8080/p?a=1&a=2').getHost()", "example.com:8080"],
    ["url('https://example.com/p?a=1&a=2').getQuery()['a']", ["1", "2"]],
    ["sets.contains([1, 2, 3], [3, 1])", true],
    ["duration('1h30m') > duration('80m')", true],
    ["timestamp('2024-01-02T03:04:05Z').getHours('+02:00')", 5],
    ["string(timestamp('2024-01-02T03:04:05Z') + duration('24h'))", "2024-01-03T03:04:05Z"],
    ["format.dns1123Label().validate('Not_Ok').hasValue()", true],
    ["type(1) == int && type('') == string && type([]) == list", true],
    ["cel.bind(y, x * 2, y + y)", 20],
    ["[1, 2] + [3] == [1, 2, 3] && {'a': 1} == {'a': 1}", true],
    ["1 == 1.0 && 2u > 1", true],
    ["true || self.nope.nope", true],
    ["self.nope.nope || true", true],
    ["{'a': 1, ?'b': optional.none()}.size()", 1],
    ["[3, 1, 2].isSorted() || [3, 1, 2].max() == 3", true],
    ["names.indexOf('c')", 2],
  ])("%s", (source, expected) => {
    expect(evaluate(source)).toEqual(expected);
  });

  it.each([
    ["1 +", /Syntax error/],
    ["y", /undeclared reference to 'y'/],
    ["x + 'a'", /found no matching overload for '_\+_' applied to '\(int, string\)'/],
    ["names.nope()", /undeclared reference to 'nope'/],
    ["x.foo", /type 'int' does not support field selection/],
    ["[1, 2", /Syntax error/],
  ])("does not compile %s", (source, message) => {
    expect(() => compileProgram(source, environment)).toThrow(message);
  });

  it.each([
    ["self.spec.nope", /no such key: nope/],
    ["1 / 0", /division by zero/],
    ["names[7]", /index out of bounds: 7/],
    ["9223372036854775807 + 1", /integer overflow/],
    ["int('x')", /invalid syntax/],
    ["optional.none().value()", /optional.none\(\) dereference/],
  ])("fails at %s", (source, message) => {
    expect(() => evaluate(source)).toThrow(message);
  });

  it("stops when it costs too much", () => {
    const nested = "[1,2,3,4,5,6,7,8,9,10]";
    const source = `${nested}.all(a, ${nested}.all(b, ${nested}.all(c, ${nested}.all(d, a + b + c + d > 0))))`;
    expect(() => evaluate(source, 10_000)).toThrow(CostError);
  });

  it("knows the worst case before it runs", () => {
    const bounded = { variables: new Map([["l", listType({ kind: "string", max: 10 }, 1000)]]), functions: KUBERNETES };
    const single = compileProgram("l.all(a, a.contains('x'))", bounded).worstCost;
    const double = compileProgram("l.all(a, l.all(b, a != b))", bounded).worstCost;
    expect(single).toBeGreaterThan(1000);
    expect(double).toBeGreaterThan(1_000_000);
  });
});
