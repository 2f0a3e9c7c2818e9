// A diagram in the language of Mermaid. Until it is drawn, and without JavaScript, its source is shown.
import { useData } from 'vitepress';
import { h, onMounted, ref, useId, watch } from 'vue';

export default {
  props: { code: { type: String, required: true } },
  setup({ code }) {
    const { isDark } = useData();
    const id = useId();
    const source = decodeURIComponent(code);
    const svg = ref('');

    async function draw() {
      // Only pages with a diagram load this library.
      const { default: mermaid } = await import('mermaid');
      mermaid.initialize({
        startOnLoad: false,
        theme: isDark.value ? 'dark' : 'neutral',
        fontFamily: 'inherit',
        sequence: { wrap: true, mirrorActors: false, actorMargin: 90 },
      });
      ({ svg: svg.value } = await mermaid.render(`diagram-${id}`, source));
    }

    onMounted(() => {
      draw();
      watch(isDark, draw);
    });

    const label = source.startsWith('sequenceDiagram') ? 'Sequence diagram' : 'Flowchart';
    return () =>
      svg.value === ''
        ? h('pre', { class: 'diagram', tabindex: 0 }, source)
        : h('div', { class: 'diagram', role: 'img', tabindex: 0, 'aria-label': label, innerHTML: svg.value });
  },
};
