// Replaces VitePress's home page, which has no main landmark.
import { Content } from 'vitepress';
import VPHomeContent from 'vitepress/dist/client/theme-default/components/VPHomeContent.vue';
import VPHomeFeatures from 'vitepress/dist/client/theme-default/components/VPHomeFeatures.vue';
import VPHomeHero from 'vitepress/dist/client/theme-default/components/VPHomeHero.vue';
import { h } from 'vue';

export default () =>
  h('main', { class: 'home external-link-icon-enabled' }, [
    h(VPHomeHero),
    h(VPHomeFeatures),
    h(VPHomeContent, null, () => h(Content)),
  ]);
